//! Flows from curl commands send what curl sends, and hold no secret.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use crate::folder::Folder;

/// A server that answers `200` and hands out what it was sent, head and body.
fn listener() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                    break;
                }
                let line = line.trim_end();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                    length = value.parse().unwrap();
                }
                head.push_str(line);
                head.push('\n');
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
            if tell.send(format!("{head}\n{}", String::from_utf8_lossy(&body))).is_err() {
                return;
            }
        }
    });
    (url, told)
}

/// What the flow of a command sends.
fn sent(command: &str, words: &[&str]) -> (String, String, String) {
    let (url, told) = listener();
    let folder = Folder::new();
    let made =
        folder.assay(&["new", "--from", "curl", &command.replace("URL", &url), "--to", "flow.yaml"]).ends_with(0);
    let words: Vec<&str> = ["run", "flow.yaml", "--no-store"].iter().chain(words).copied().collect();
    folder.assay(&words).ends_with(0);
    (told.recv().unwrap(), folder.read("flow.yaml"), made.err)
}

#[test]
fn what_curl_sends_is_sent() {
    let (sent, flow, _) = sent(
        "curl -sSL -X PUT 'URL/a/b?x=1&y=a%20b&y=2' -H 'X-Note: it'\\''s' \\\n  -H \"Content-Type: application/json\" --data-raw $'{\"text\": \"\\u00e9\\'$\", \"n\": [1, null]}' --compressed",
        &[],
    );
    assert!(sent.starts_with("PUT /a/b?x=1&y=a+b&y=2 HTTP/1.1"), "{sent}");
    assert!(sent.contains("x-note: it's\n") && sent.contains("content-type: application/json\n"), "{sent}");
    assert!(sent.ends_with("\n\n{\"text\":\"é'$\",\"n\":[1,null]}"), "{sent}");
    assert!(flow.contains("followRedirects: 20"), "{flow}");
}

#[test]
fn forms_parts_queries_and_files_are_sent() {
    let (form, ..) = sent("curl URL/f -d a=1 -d 'b=x y' --data-urlencode 'c=ü&'", &[]);
    assert!(form.starts_with("POST /f ") && form.ends_with("\na=1&b=x+y&c=%C3%BC%26"), "{form}");
    let (query, ..) = sent("curl -G URL/q --data-urlencode 'c=ü&' -d d=1", &[]);
    assert!(query.starts_with("GET /q?c=%C3%BC%26&d=1 "), "{query}");
    let (parts, ..) = sent("curl URL/p -F 'title=A b' -F 'doc={\"a\":1};type=application/json'", &[]);
    assert!(
        parts.contains("multipart/form-data") && parts.contains("name=\"title\"\r\n") && parts.contains("A b"),
        "{parts}"
    );
    assert!(
        parts.contains("content-type: application/json") || parts.contains("Content-Type: application/json"),
        "{parts}"
    );
    let (text, flow, said) = sent("curl URL/t -d '{\"a\": 1}'", &[]);
    assert!(text.contains("application/json") && !said.is_empty(), "{text}");
    assert!(flow.contains("curl would send this body as a form"), "{flow}");
    let (head, ..) = sent("curl -I URL/h -A me -e http://from/", &[]);
    assert!(
        head.starts_with("HEAD /h ") && head.contains("user-agent: me\n") && head.contains("referer: http://from/\n"),
        "{head}"
    );
    let folder = Folder::new();
    folder.write("order.json", "{\"a\": 1}");
    folder
        .assay(&[
            "new",
            "--from",
            "curl",
            "curl http://127.0.0.1:1/x --json @order.json -T up.bin",
            "--to",
            "sub/flow.yaml",
        ])
        .ends_with(0);
}

#[test]
fn secrets_are_in_no_file_and_are_sent() {
    let command = "curl URL/s?api_key=qwertyqwerty -u 'ada:love lace' -b 'session=abcdefgh' -H 'X-Auth-Token: 0123456789' --json '{\"password\": \"hunter22\", \"user\": \"ada\"}'";
    let given = [
        "--secret",
        "PASSWORD=love lace",
        "--secret",
        "COOKIE=session=abcdefgh",
        "--secret",
        "X_AUTH_TOKEN=0123456789",
        "--secret",
        "API_KEY=qwertyqwerty",
        "--secret",
        "PASSWORD_2=hunter22",
    ];
    let (sent, flow, said) = sent(command, &given);
    for value in ["love lace", "abcdefgh", "0123456789", "qwertyqwerty", "hunter22"] {
        assert!(!flow.contains(value) && !said.contains(value), "{value}: {flow}{said}");
    }
    assert!(sent.contains("authorization: Basic YWRhOmxvdmUgbGFjZQ==\n"), "{sent}");
    assert!(sent.contains("api_key=qwertyqwerty") && sent.contains("cookie: session=abcdefgh\n"), "{sent}");
    assert!(sent.contains("\"password\":\"hunter22\",\"user\":\"ada\""), "{sent}");
    let (bearer, flow, _) = self::sent(
        "curl URL/b -H \"authorization: Bearer $TOKEN\" -H 'x-host: ${REGION}'",
        &["--secret", "TOKEN=abcdefgh"],
    );
    assert!(bearer.contains("authorization: Bearer abcdefgh\n"), "{bearer}\n{flow}");
    assert!(flow.contains("x-host: \"$${REGION}\""), "in single quotes it is no variable: {flow}");
}

#[test]
fn words_text_and_files_are_read_alike() {
    let folder = Folder::new();
    folder.assay(&["new", "--from", "curl", "-X", "POST", "http://127.0.0.1:1/a b", "-d", "x=it's"]).ends_with(0);
    assert!(folder.read("post-a-b.yaml").contains("form: {x: \"it's\"}"));
    folder.assay(&["new", "curl", "http://127.0.0.1:1/words"]).ends_with(0);
    folder
        .piped(
            &["new", "--from", "curl", "--to", "piped.yaml"],
            "# from a browser\ncurl 'http://127.0.0.1:1/one' \\\n -H 'a: b'\ncurl http://127.0.0.1:1/two\n",
        )
        .ends_with(0);
    let piped = folder.read("piped.yaml");
    assert!(piped.contains("id: getOne") && piped.contains("id: getTwo") && piped.contains("url: /two"), "{piped}");
    folder.write("request.sh", "curl http://127.0.0.1:1/file\n");
    folder.assay(&["new", "--from", "request.sh"]).ends_with(0);
    folder.assay(&["new", "--from", "curl http://127.0.0.1:1/inline"]).ends_with(0);
    folder.assay(&["validate", "."]).ends_with(0);
}

#[test]
fn what_has_no_counterpart_is_listed_in_the_file_and_on_standard_error() {
    let folder = Folder::new();
    let command =
        "curl http://127.0.0.1:1/x --unix-socket /run/a.sock --weird -c jar.txt -d \"at=$(date)\" | jq .a > out.json";
    let came = folder.assay(&["new", "--from", "curl", command]).ends_with(0);
    let flow = folder.read("post-x.yaml");
    for left in ["--unix-socket /run/a.sock", "--weird", "--cookie-jar jar.txt", "`date`", "| jq .a > out.json"] {
        assert!(came.err.contains(left), "{left}: {}", came.err);
        assert!(flow.contains(left), "{left}: {flow}");
    }
    for (command, said) in [
        ("curl", "names no URL"),
        ("curl 'http://x", "not closed"),
        ("curl ftp://x/y", "no scheme of HTTP"),
        ("curl http://x -X", "-X has no value"),
        ("wget http://x", "no curl command"),
        ("curl http://[x", "is no URL"),
    ] {
        let came = folder.piped(&["new", "--from", "curl"], command).ends_with(2);
        assert!(came.err.contains(said), "{command}: {}", came.err);
    }
}

#[test]
fn without_a_terminal_what_is_missing_is_said() {
    let folder = Folder::new();
    assert!(folder.assay(&["new"]).ends_with(2).err.contains("--base-url"));
    assert!(folder.assay(&["new", "--yes"]).ends_with(2).err.contains("--base-url"));
    assert!(folder.assay(&["new", "--from", "curl"]).ends_with(2).err.contains("nothing on standard input"));
    assert!(folder.assay(&["new", "--form", "curl"]).ends_with(2).err.contains("no option `--form`"));
    assert!(folder.assay(&["new", "x", "--base-url", "http://a:b@c"]).ends_with(2).err.contains("password"));
    assert!(
        folder
            .assay(&["new", "--from", "curl", "curl http://x", "--status", "200"])
            .ends_with(2)
            .err
            .contains("--status")
    );
    folder
        .assay(&["new", "health check", "--base-url", "127.0.0.1:8080", "--request", "get /health", "--status", "204"])
        .ends_with(0);
    let flow = folder.read("health-check.yaml");
    assert!(
        flow.contains("name: health check\n") && flow.contains("status == 204") && flow.contains("url: /health"),
        "{flow}"
    );
    let came = folder.assay(&["validate", "."]).ends_with(0);
    assert!(came.out.contains("no problem"), "{}{}", came.out, came.err);
    folder.assay(&["new", "flows/other.yaml", "--base-url", "http://127.0.0.1:1"]).ends_with(0);
    assert!(folder.read("flows/other.yaml").contains("name: other"));
}
