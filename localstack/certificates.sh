#!/bin/sh
# Makes the test certificates into /tls (or the folder given), once: an authority, a server's for localhost and 127.0.0.1, a
# client's, and an authority that signed none of them.
set -eu
cd "${1:-/tls}"
[ ! -f server-both.pem ] || exit 0
key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

authority() { # FILE SUBJECT
  openssl req -x509 $key -days 3650 -subj "/CN=$2" -keyout "$1.key" -out "$1.pem" -addext keyUsage=critical,keyCertSign,cRLSign
}
signed() { # FILE SUBJECT EXTENSIONS
  openssl req $key -subj "/CN=$2" -keyout "$1.key" -out "$1.csr"
  printf 'basicConstraints=CA:FALSE\n%b' "$3" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile "$1.ext" -out "$1.pem"
  rm "$1.csr" "$1.ext"
}

authority ca "Assay test authority"
authority other-ca "Assay other authority"
signed server localhost 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n'
signed client client 'extendedKeyUsage=clientAuth\n'
rm ca.key other-ca.key
chmod 644 server.key # the servers run as users of their own
cat server.key server.pem >server-both.pem
