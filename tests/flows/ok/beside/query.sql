select * from users where name = $1
