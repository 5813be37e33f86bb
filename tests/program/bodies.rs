//! Bodies of `api` both ways: of any length, from and into anything that is no file, cut short in every way.

use std::fs::{self};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use device_login::http::client::Client;
use device_login::http::progress::Progress;
use device_login::http::{Request, TransportFailure};

use crate::support::authority;
use crate::support::program::{ACCESS_TOKEN, Home, Ran, ran, set_mode};
use crate::support::socket;

/// More than any answer or upload that was ever held in memory, in bytes.
const LONG: usize = 96 * 1024 * 1024;
/// What a process may have resident at most, in kB.
const FLAT: u64 = 64 * 1024;
const WITHHELD: usize = 1;

/// A request whose body is still to be read.
struct Asked {
    head: authority::Asked,
    stream: BufReader<TcpStream>,
}

impl Asked {
    fn read(stream: TcpStream) -> Option<Self> {
        let mut stream = BufReader::new(stream);
        authority::read_head(&mut stream).map(|head| Self { head, stream })
    }

    /// Reads the body, however it is framed. Counts what is too long to be kept.
    fn body(&mut self) -> (Vec<u8>, usize) {
        let (mut kept, mut count) = (Vec::new(), 0);
        let mut take = |stream: &mut BufReader<TcpStream>, length: usize| {
            let mut left = length;
            let mut buffer = vec![0; 64 * 1024];
            while left > 0 {
                let size = buffer.len().min(left);
                let read = stream.read(&mut buffer[..size]).unwrap_or(0);
                if read == 0 {
                    return false;
                }
                left -= read;
                count += read;
                if kept.len() < 1_000_000 {
                    kept.extend_from_slice(&buffer[..read]);
                }
            }
            true
        };
        if let Some(length) = self.head.header("content-length").and_then(|length| length.parse().ok()) {
            take(&mut self.stream, length);
        } else if self.head.header("transfer-encoding") == Some("chunked") {
            loop {
                let mut size = String::new();
                self.stream.read_line(&mut size).expect("a chunk begins with its size");
                let Ok(size) = usize::from_str_radix(size.trim(), 16) else { break };
                if size == 0 || !take(&mut self.stream, size) {
                    break;
                }
                self.stream.read_line(&mut String::new()).expect("a chunk ends with a line");
            }
        }
        (kept, count)
    }

    /// A client that has enough goes away.
    fn answer(&mut self, head: &str, body: &[u8]) {
        let stream = self.stream.get_mut();
        let _ = write!(stream, "HTTP/1.1 {head}\r\nconnection: close\r\n\r\n").and_then(|()| stream.write_all(body));
    }

    fn answer_whole(&mut self, status: u16, body: &str) {
        self.answer(&format!("{status} X\r\ncontent-length: {}", body.len()), body.as_bytes());
    }
}

/// A home that is signed in at a server which answers by `answer`; a refresh always works.
fn home(answer: impl Fn(&mut Asked) + Send + Sync + 'static) -> Home {
    let (url, _) = socket::serve(move |stream| {
        let Some(mut asked) = Asked::read(stream) else { return };
        if asked.head.path == "/token" {
            asked.body();
            return asked.answer_whole(200, r#"{"access_token":"sentinel-access-2","expires_in":3600}"#);
        }
        answer(&mut asked);
    });
    let origin = url.origin().ascii_serialization();
    let home = Home::new();
    home.configure(&crate::support::program::configuration(&origin));
    home.sign_in_at(&origin, |_| {});
    home
}

/// The most that a running process has had resident, in kB.
fn peak(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn files(home: &Home) -> Vec<String> {
    let names = fs::read_dir(home.path("out")).expect("a directory").flatten();
    let mut names: Vec<String> = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A directory with the old answer in it, and the path of that.
fn old_answer(home: &Home) -> String {
    fs::create_dir(home.path("out")).expect("the home can be written");
    home.write("out/answer", "old").to_str().expect("UTF-8").to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).expect("it is there")
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_of_any_length_needs_no_room() {
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = Mutex::new(may_go_on);
    let home = home(move |asked| {
        let head = format!("200 OK\r\ncontent-length: {}", LONG + WITHHELD);
        asked.answer(&head, &vec![b'x'; 64 * 1024].repeat(LONG / (64 * 1024)));
        // The test's end is an answer, too.
        let _ = may_go_on.lock().expect("one call").recv();
        let _ = asked.stream.get_mut().write_all(b"y");
    });
    let mut child = home.command(&["api", "/x"]).spawn().expect("the program starts");
    let mut stdout = child.stdout.take().expect("a pipe");
    let (mut buffer, mut count) = (vec![0; 64 * 1024], 0);
    while count < LONG {
        count += stdout.read(&mut buffer).expect("it goes on");
    }
    assert!(peak(&child) < FLAT, "{} kB", peak(&child));
    go_on.send(()).expect("the server waits");
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).expect("it ends");
    assert_eq!((rest.as_slice(), ran(child).code), (&b"y"[..], 0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_body_of_any_length_needs_no_room() {
    for from_stdin in [false, true] {
        let (tell, told) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let both = Mutex::new((tell, may_go_on));
        let home = home(move |asked| {
            let (_, count) = asked.body();
            let framing = asked
                .head
                .headers
                .lines()
                .filter(|line| line.starts_with("transfer-encoding") || line.starts_with("content-length"));
            let framing = framing.collect::<Vec<_>>().join(",");
            let both = both.lock().expect("one call");
            let _ = both.0.send((count, framing));
            let _ = both.1.recv();
            asked.answer_whole(200, "done");
        });
        let file = home.path("long");
        fs::File::create(&file).and_then(|file| file.set_len(LONG as u64)).expect("a file with a hole");
        let input = if from_stdin { "-" } else { file.to_str().expect("UTF-8") };
        let mut command = home.command(&["api", "/x", "--input", input]);
        // A pipe, whose length nobody knows.
        let mut cat = Command::new("cat").arg(&file).stdout(Stdio::piped()).spawn().expect("cat starts");
        if from_stdin {
            command.stdin(cat.stdout.take().expect("a pipe"));
        }
        let child = command.spawn().expect("the program starts");
        let (count, framing) = told.recv().expect("the body comes");
        let peak = peak(&child);
        go_on.send(()).expect("the server waits");
        ran(child).worked("done");
        drop(cat.stdout.take());
        cat.wait().expect("cat ends");
        let expected =
            if from_stdin { "transfer-encoding: chunked".to_owned() } else { format!("content-length: {LONG}") };
        assert_eq!((count, framing), (LONG, expected));
        assert!(peak < FLAT, "{peak} kB, from stdin: {from_stdin}");
    }
}

#[test]
fn a_short_body_from_a_pipe_goes_with_its_length() {
    let home = home(|asked| {
        let length = asked.head.header("content-length").map(str::to_owned);
        let (body, _) = asked.body();
        asked.answer_whole(200, &format!("{length:?} {}", String::from_utf8_lossy(&body)));
    });
    home.run_with(&["api", "PUT", "/x", "--input", "-"], "{}").worked(r#"Some("2") {}"#);
    home.run_with(&["api", "PUT", "/x", "--input", "/dev/stdin"], "").worked(r#"Some("0") "#);
    home.run(&["api", "POST", "/x"]).worked(r#"Some("0") "#);
    home.run(&["api", "/x"]).worked("None ");
    home.run_with(&["api", "/x", "-F", "a=@-", "-f", "b=c"], "text").worked(r#"Some("20") {"a":"text","b":"c"}"#);
}

#[test]
fn an_answer_that_comes_before_the_body_is_through_is_read() {
    let home = home(|asked| asked.answer_whole(413, r#"{"message":"too much"}"#));
    let file = home.path("long");
    fs::File::create(&file).and_then(|file| file.set_len(LONG as u64)).expect("a file with a hole");
    for _ in 0..5 {
        let ran = home.run(&["api", "/x", "--input", file.to_str().expect("UTF-8")]);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, r#"{"message":"too much"}"#), "{ran:?}");
    }
}

/// A server that takes the second access token only, and what bodies reached it.
fn choosy() -> (Home, Arc<Mutex<Vec<String>>>) {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&bodies);
    let home = home(move |asked| {
        let is_old = asked.head.header("authorization").is_some_and(|token| token.contains(ACCESS_TOKEN));
        let (body, _) = asked.body();
        seen.lock().expect("no call panics").push(String::from_utf8_lossy(&body).into_owned());
        let head = "401 X\r\nwww-authenticate: Bearer error=\"invalid_token\"\r\ncontent-length: 2";
        if is_old { asked.answer(head, b"{}") } else { asked.answer_whole(200, "taken") }
    });
    (home, bodies)
}

#[test]
fn a_file_is_sent_again_with_a_new_token_and_stdin_is_not() {
    let (home, bodies) = choosy();
    let file = home.write("body", "a long story");
    home.run(&["api", "/x", "--input", file.to_str().expect("UTF-8")]).worked("taken");
    assert_eq!(bodies.lock().expect("no call panics").drain(..).collect::<Vec<_>>(), ["a long story"; 2]);

    let (home, bodies) = choosy();
    let ran = home.run_with(&["api", "/x", "--input", "-"], "a long story");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "{}"), "{ran:?}");
    for words in ["stdin or a pipe cannot be sent twice", "run `device-login refresh work`"] {
        assert!(ran.stderr.contains(words), "{ran:?}");
    }
    assert_eq!(bodies.lock().expect("no call panics").as_slice(), ["a long story"]);
    let ran = home.run_with(&["api", "/x", "--input", "-", "--fail"], "a long story");
    assert_eq!(ran.code, 22, "{ran:?}");
    // No token was made for nothing.
    home.run(&["token"]).worked(&format!("{ACCESS_TOKEN}\n"));
}

#[test]
fn an_answer_replaces_a_file_whole_or_not_at_all() {
    let home = home(|asked| match asked.head.path.as_str() {
        "/whole" => asked.answer_whole(200, "new"),
        "/short" => asked.answer("200 OK\r\ncontent-length: 200000", &vec![b'x'; 100_000]),
        "/chunks" => asked.answer("200 OK\r\ntransfer-encoding: chunked", b"3\r\nnew\r\n"),
        "/trailers" => asked.answer("200 OK\r\ntransfer-encoding: chunked", b"3\r\nnew\r\n0\r\nx-sum: 1\r\n\r\n"),
        "/hints" => {
            let _ = asked.stream.get_mut().write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
            asked.answer_whole(200, "new");
        }
        "/empty" => asked.answer("204 No Content", b""),
        "/closed" => {}
        _ => asked.answer_whole(404, "nothing here"),
    });
    let file = old_answer(&home);
    set_mode(&file, 0o640);
    let cases: [(&[&str], i32, &str, &str); 9] = [
        (&["/whole"], 0, "new", ""),
        (&["/trailers"], 0, "new", ""),
        (&["/hints"], 0, "new", ""),
        (&["/empty"], 0, "", ""),
        (&["/gone"], 0, "nothing here", "HTTP 404"),
        (&["/gone", "--fail"], 22, "old", "stays as it was"),
        (&["/short"], 7, "old", "stays as it was"),
        (&["/chunks"], 7, "old", "the answer to GET /chunks did not come whole"),
        (&["/closed"], 7, "old", "closed the connection"),
    ];
    for (arguments, code, content, said) in cases {
        fs::File::create(&file).and_then(|mut file| file.write_all(b"old")).expect("it is ours");
        let ran = home.run(&[&["api", "-o", &file], arguments].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{arguments:?} {ran:?}");
        assert!(ran.stderr.contains(said), "{arguments:?} {ran:?}");
        assert_eq!((read(&file).as_str(), files(&home)), (content, vec!["answer".to_owned()]), "{arguments:?}");
        let mode = fs::metadata(&file).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o640, "{arguments:?}");
    }
    home.run(&["api", "-i", "-o", &file, "/whole"]).worked("");
    assert!(read(&file).starts_with("HTTP/1.1 200 OK\n") && read(&file).ends_with("\n\nnew"), "{}", read(&file));
    // Stdout may be a file in which others write before and after.
    for stdout in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        home.run(&["api", "-o", stdout, "/whole"]).worked("new");
        let log = home.path("log");
        let program = home.command(&["api", "-o", stdout, "/whole"]);
        let mut shell = Command::new("sh");
        let script = "{ echo before; \"$0\" \"$@\"; echo; echo after; } >log";
        shell.args(["-c", script]).arg(program.get_program()).args(program.get_args()).current_dir(home.path(""));
        shell.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        assert!(shell.stdin(Stdio::null()).status().expect("a shell").success());
        assert_eq!(fs::read_to_string(log).expect("it is there"), "before\nnew\nafter\n", "{stdout}");
    }
}

#[test]
fn where_no_answer_can_be_written_nothing_is_sent() {
    let calls = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&calls);
    let home = home(move |asked| {
        *counted.lock().expect("no call panics") += 1;
        asked.answer_whole(200, "new");
    });
    let old = old_answer(&home);
    set_mode(&old, 0o440);
    let directory = home.path("out").to_str().expect("UTF-8").to_owned();
    for path in [old.as_str(), &directory, &format!("{directory}/new/"), "/nothing/here"] {
        home.run(&["api", "/x", "-o", path]).failed(2, &["the answer cannot be written to", "nothing was sent"]);
    }
    std::os::unix::fs::symlink(home.path("key"), home.path("link")).expect("a link");
    let [key, configuration] = ["key", "config.toml"].map(|name| fs::read(home.path(name)).expect("it is there"));
    for own in ["key", "link", "config.toml", "state/work.record", "state/new", "out/../key"] {
        let path = home.path(own).to_str().expect("UTF-8").to_owned();
        home.run(&["api", "/x", "-o", &path])
            .failed(2, &["this program keeps its configuration, its key or its records"]);
    }
    assert_eq!([key, configuration], ["key", "config.toml"].map(|name| fs::read(home.path(name)).expect("it stays")));
    let twice: [&[&str]; 4] = [
        &["--input", "-", "-F", "a=@-"],
        &["-F", "a=@-", "-F", "b=@-"],
        &["--form", "a=@-", "--form", "b=<-"],
        &["--form", "a=@-", "-F", "b=@-"],
    ];
    for arguments in twice {
        home.run(&[&["api", "/x"], arguments].concat()).failed(2, &["stdin is named more than once"]);
    }
    home.run(&["api", "/x", "--input", "a", "--form", "b=c"]).failed(2, &["cannot be used with"]);
    for arguments in [["--input", &directory], ["--input", "/nothing/here"], ["--form", "a=@/nothing/here"]] {
        home.run(&["api", "/x", arguments[0], arguments[1]]).failed(2, &["the body could not be read from"]);
    }
    for arguments in
        [["--input", "/nothing/here"], ["--form", "a=@/nothing/here"], ["-F", "a=@/nothing/here"], ["-F", "a=@"]]
    {
        home.run(&["api", "/x", arguments[0], arguments[1]]).failed(2, &["hint: check the path"]);
    }
    assert_eq!((*calls.lock().expect("no call panics"), read(&old).as_str()), (0, "old"));
    assert_eq!(files(&home), ["answer"]);
}

#[test]
fn what_is_no_regular_file_is_written_as_it_stands() {
    let home = home(|asked| asked.answer_whole(200, "new"));
    home.run(&["api", "/x", "-o", "/dev/null"]).worked("");
    home.run(&["api", "/x", "-o", "/dev/stdout"]).worked("new");
    home.run(&["api", "/x", "-o", "/dev/full"]).failed(1, &["could not be written", "/dev/full"]);
    let link = home.path("link");
    let target = home.write("target", "old");
    std::os::unix::fs::symlink(&target, &link).expect("a link");
    home.run(&["api", "/x", "-o", link.to_str().expect("UTF-8")]).worked("");
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&target).ok().as_deref(), Some("new"));
    // A redirection of the shell keeps its file.
    let log = home.path("log");
    let file = fs::File::create(&log).expect("the home can be written");
    let child = home.command(&["api", "/x", "-o", "/dev/stdout"]).stdout(file).spawn().expect("the program starts");
    ran(child).worked("");
    assert_eq!(fs::read_to_string(&log).ok().as_deref(), Some("new"));
}

#[test]
fn a_pipe_that_nobody_reads_yet_is_waited_for_with_a_word() {
    use std::os::unix::fs::OpenOptionsExt;
    use std::os::unix::process::ExitStatusExt;

    let home = home(|asked| asked.answer_whole(200, "new"));
    let pipe = home.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there").success());
    let command = ["api", "/x", "-o", pipe.to_str().expect("UTF-8")];
    let waiting = || {
        let mut child = home.spawn(&command);
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("stderr is read");
        assert!(line.contains("Waiting for somebody to read the pipe"), "{line}");
        child
    };
    let mut child = waiting();
    assert_eq!(fs::read_to_string(&pipe).ok().as_deref(), Some("new"));
    assert_eq!(child.wait().expect("it ends").code(), Some(0));

    let mut child = waiting();
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .expect("it runs");
    assert_eq!(child.wait().expect("it ends").signal(), Some(2));

    let there = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut reader = fs::File::options().read(true).custom_flags(there).open(&pipe).expect("it needs no writer");
    home.run(&command).worked("");
    let mut told = String::new();
    reader.read_to_string(&mut told).expect("it is read");
    assert_eq!(told, "new");
}

#[test]
fn what_the_api_may_have_done_is_said_where_no_answer_came() {
    let home = home(|asked| {
        asked.body();
    });
    home.run(&["api", "/x"]).failed(7, &["could not be called", "check the network and call again"]);
    home.run(&["api", "POST", "/x"]).failed(7, &["the API may have acted on it"]);
}

#[test]
fn silence_ends_a_call() {
    let (url, _) = socket::serve(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
        // Until the client goes away.
        let _ = stream.read(&mut [0]);
    });
    let runtime = crate::support::runtime();
    let request = Request { deadline: Duration::from_secs(3), ..Request::get(url) };
    runtime.block_on(async {
        let (client, progress) = (Client::new(None), Progress::default());
        let mut answer = client.open(request, None, &progress).await.expect("an answer begins");
        assert_eq!(answer.chunk().await, Ok(Some(b"abc".to_vec())));
        assert!(matches!(answer.chunk().await, Err(TransportFailure::Stalled(..))));
    });
}

#[test]
fn a_call_that_is_cut_short_leaves_nothing_behind() {
    let (has_begun, begun) = mpsc::channel();
    let has_begun = Mutex::new(has_begun);
    let home = home(move |asked| {
        asked.answer("200 OK\r\ncontent-length: 200000", &vec![b'x'; 100_000]);
        let _ = has_begun.lock().expect("one call").send(());
        // Until the client goes away.
        let _ = asked.stream.read(&mut [0]);
    });
    let file = old_answer(&home);
    let child = home.spawn(&["api", "/x", "-o", &file]);
    begun.recv().expect("the call is made");
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .expect("it runs");
    let Ran { code, stdout, stderr } = ran(child);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (130, "", ""));
    assert_eq!((read(&file).as_str(), files(&home)), ("old", vec!["answer".to_owned()]));
}

#[test]
fn a_limit_on_the_length_of_files_is_an_error_like_a_full_disk() {
    let home = home(|asked| asked.answer_whole(200, &"x".repeat(1_000_000)));
    let file = old_answer(&home);
    let program = home.command(&["api", "/x", "-o", &file]);
    let mut shell = Command::new("sh");
    // Blocks of 512 bytes; the store writes less.
    shell.args(["-c", "ulimit -f 200; exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
    shell.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let child = shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    ran(child.expect("a shell starts")).failed(1, &["could not be written", "stays as it was"]);
    assert_eq!((read(&file).as_str(), files(&home)), ("old", vec!["answer".to_owned()]));
}

#[test]
fn a_signal_is_heard_while_nobody_reads_the_answer() {
    let home = home(|asked| asked.answer("200 OK", &vec![b'x'; 8 * 1024 * 1024]));
    let mut child = home.spawn(&["api", "/x"]);
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut [0]).expect("the answer comes");
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM)
        .expect("it runs");
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = home(|asked| asked.answer("200 OK", &vec![b'x'; 8 * 1024 * 1024]));
    let mut child = home.spawn(&["api", "/x"]);
    drop(child.stdout.take());
    let ran = ran(child);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
}

#[test]
fn a_form_carries_files_and_texts() {
    let home = home(|asked| {
        let content_type = asked.head.header("content-type").unwrap_or_default().to_owned();
        let (body, _) = asked.body();
        let boundary = content_type.split_once("boundary=").map(|(_, boundary)| boundary).unwrap_or_default();
        let said =
            format!("{} {} {content_type}\n{}", asked.head.method, asked.head.path, String::from_utf8_lossy(&body));
        asked.answer_whole(200, &said.replace(boundary, "B"));
    });
    let file = home.write("report.csv", "a;b\r\n");
    let file = format!("content=@{};type=text/x-csv", file.to_str().expect("UTF-8"));
    let arguments = ["api", "/x", "--form", &file, "--form", "note=hi", "--form", "p=@-;filename=p.bin", "-f", "q=1"];
    let part = |head: &str, body: &str| format!("--B\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n");
    let expected = [
        "POST /x?q=1 multipart/form-data; boundary=B\n".to_owned(),
        part("name=\"content\"; filename=\"report.csv\"\r\nContent-Type: text/x-csv", "a;b\r\n"),
        part("name=\"note\"", "hi"),
        part("name=\"p\"; filename=\"p.bin\"\r\nContent-Type: application/octet-stream", "piped"),
        "--B--\r\n".to_owned(),
    ];
    home.run_with(&arguments, "piped").worked(&expected.concat());
    let own = ["-H", "Content-Type: multipart/form-data"];
    home.run(&[&["api", "/x", "--form", "a=b"], &own[..]].concat())
        .worked(&format!("POST /x multipart/form-data; boundary=B\n{}--B--\r\n", part("name=\"a\"", "b")));
    home.run(&["api", "/x", "--form", "a=b", "-H", "Content-Type: text/plain"]).failed(2, &["leave that header out"]);
    home.run(&["api", "/x", "--form", "a"]).failed(2, &["it has no `=`"]);
    let shown = home.run(&["api", "--curl", "/x", "--form", "a=@b c;type=text/plain"]);
    assert!(shown.code == 0 && shown.stdout.contains("--form 'a=@\"b c\";type=text/plain'"), "{shown:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_kernel_makes_while_it_is_read_is_sent_whole() {
    let home = home(|asked| {
        let (body, _) = asked.body();
        asked.answer_whole(200, &String::from_utf8_lossy(&body));
    });
    let made = fs::read_to_string("/proc/sys/kernel/ostype").expect("Linux tells");
    let empty = home.write("empty", "");
    home.run(&["api", "/x", "--input", "/proc/sys/kernel/ostype"]).worked(&made);
    home.run(&["api", "/x", "--input", empty.to_str().expect("UTF-8")]).worked("");
    let form = home.run(&["api", "/x", "--form", "a=@/proc/sys/kernel/ostype"]);
    assert!(form.code == 0 && form.stdout.contains(&format!("\r\n\r\n{made}\r\n--")), "{form:?}");
}

#[test]
fn waiting_for_a_writer_does_not_outlast_it() {
    let home = home(|asked| {
        let (_, count) = asked.body();
        asked.answer_whole(200, &count.to_string());
    });
    let mut child =
        home.command(&["api", "/x", "--input", "-"]).stdin(Stdio::piped()).spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = thread::spawn(move || stdin.write_all(&vec![b'x'; LONG / 8]));
    assert_eq!(ran(child).stdout, (LONG / 8).to_string());
    writer.join().expect("no panic").expect("all was read");
}

#[test]
fn an_input_has_the_type_of_its_ending_or_is_json() {
    let home = home(|asked| {
        let media_type = asked.head.header("content-type").unwrap_or("none").to_owned();
        asked.body();
        asked.answer_whole(200, &media_type);
    });
    for (input, header, expected) in [
        ("-", None, "application/json"),
        ("/dev/stdin", None, "application/json"),
        ("leads", None, "application/json"),
        ("tmp.Xq7", None, "application/json"),
        ("body.json", None, "application/json"),
        ("leads.csv", None, "text/csv"),
        ("a.PDF", None, "application/pdf"),
        ("x.xml", None, "application/xml"),
        ("leads.csv", Some("content-type: text/x-csv"), "text/x-csv"),
        ("-", Some("Content-Type: text/csv"), "text/csv"),
    ] {
        let input = match input {
            "-" | "/dev/stdin" => input.to_owned(),
            name => home.write(name, "{}").to_str().expect("UTF-8").to_owned(),
        };
        let header = header.into_iter().flat_map(|header| ["-H", header]);
        let arguments: Vec<&str> = ["api", "/x", "--input", &input].into_iter().chain(header).collect();
        home.run_with(&arguments, "{}").worked(expected);
    }
}

/// A request as it came, without what names the client and the boundary of a form.
fn as_it_came(asked: &mut Asked) -> String {
    let (body, _) = asked.body();
    let mut headers: Vec<&str> = asked
        .head
        .headers
        .lines()
        .filter(|line| {
            // Curl has a name of its own, and means as it says nothing what the program says.
            !line.starts_with("user-agent: ") && *line != "accept-encoding: identity"
        })
        .collect();
    headers.sort_unstable();
    let came = format!("{} {}\n{}\n\n", asked.head.method, asked.head.path, headers.join("\n"));
    let came = came + &String::from_utf8_lossy(&body);
    let boundary = asked.head.header("content-type").and_then(|value| value.split_once("boundary="));
    let Some((_, boundary)) = boundary else { return came };
    came.replace(boundary, "B").replace(&format!("content-length: {}", body.len()), "content-length: L")
}

#[test]
fn the_curl_command_sends_what_the_program_sends() {
    let came = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&came);
    let home = home(move |asked| {
        let request = as_it_came(asked);
        seen.lock().expect("no call panics").push(request);
        asked.answer_whole(200, "{}");
    });
    home.write("empty", "");
    for name in ["lead.json", "a;b,c \"d\".csv", "back\\slash \\\"q.html", "näh.zip", " blank ", "@at", "<less"] {
        home.write_bytes(name, b"\0\xff\r\nand \"more\"\n");
    }
    let rows: &[&[&str]] = &[
        &["/x"],
        &["/x?a=[1]{b}|^`$HOME'\\&c=%20+é#part"],
        &["/x?"],
        &["/a b/./c/../d/%2e%2e/e"],
        &["/x", "-H", "X-A: b;c=\"d\", 'e' $HOME é", "-H", "x-a: again", "-H", "X-Empty:", "-H", "Cookie: a=b"],
        &["/x", "-H", "Accept: text/csv"],
        &["/x", "-H", "Accept:"],
        &["GET", "/x", "-f", "q=a b&c"],
        &["HEAD", "/x"],
        &["POST", "/x"],
        &["PUT", "/x"],
        &["PATCH", "/x"],
        &["DELETE", "/x"],
        &["POST", "/x", "-H", "Content-Type: text/plain"],
        &["/x", "-f", "a=it's @me", "-F", "b=1"],
        &["DELETE", "/x", "--input", "lead.json"],
        &["GET", "/x", "--input", "lead.json"],
        &["PUT", "/x", "--input", "empty"],
        &["/x", "--input", "a;b,c \"d\".csv"],
        &["/x", "--input", "~/lead.json"],
        &["/x", "--input", "-"],
        &["/x", "--input", "lead.json", "-H", "Content-Type:"],
        &["/x", "-f", "a=b c", "-H", "Content-Type: application/x-www-form-urlencoded"],
        &["/x", "--form", "a=b", "--form", "c="],
        &["/x", "--form", "a=b;c=d", "--form", "b=(x", "--form", "c=\"q\" r", "--form", "d= blanks "],
        &["/x", "--form", "a=it's \"x\\y\";type=text/html", "--form", "b=two\nlines"],
        &[
            "/x",
            "--form",
            "a=x;filename=y.pdf",
            "--form",
            "b=(x;filename=\"q\\\"\\\\;r.csv\"",
            "--form",
            "c=x;filename=z",
        ],
        &["/x", "--form", "näme \"q\"=x"],
        &["/x", "--form", "a=@lead.json", "--form", "b=@empty", "--form", "c=@näh.zip"],
        &["/x", "--form", "a=@a;b,c \"d\".csv", "--form", "b=@\"back\\slash \\\\\\\"q.html\""],
        &["/x", "--form", "a=@\" blank \"", "--form", "b=@@at", "--form", "c=@<less"],
        &["/x", "--form", "a=<a;b,c \"d\".csv", "--form", "b=<lead.json;type=text/plain"],
        &["/x", "--form", "a=<empty;filename=m.json", "--form", "b=<lead.json;type=text/plain;filename=n"],
        &["/x", "--form", "a=@lead.json;type=text/csv; charset=utf-8;filename=x;y.csv"],
        &["/x", "--form", "a=@~/lead.json", "--form", "b=<~/lead.json"],
        &["/x", "--form", "a=@-", "--form", "b=c"],
        &["/x", "--form", "a=<-;type=a/b"],
        &["/x", "--form", "a=b", "-H", "Content-Type: multipart/form-data"],
        &["/x", "--form", "a=b", "-H", "content-type: multipart/form-data; boundary=mine"],
    ];
    let variables = home.run(&["token", "--format", "env"]).stdout;
    let run = |command: &mut Command| {
        command.current_dir(home.path("")).env("HOME", home.path(""));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        // What reads no stdin may have ended by now.
        let _ = child.stdin.take().expect("a pipe").write_all(b"from stdin");
        ran(child)
    };
    let mut wrong = Vec::new();
    for row in rows {
        let sent = run(&mut home.command(&[&["api"], *row].concat()));
        let curl = run(&mut home.command(&[&["api", "--curl"], *row].concat()));
        let script = format!("{variables}\n{}", curl.stdout);
        let pasted = run(Command::new("sh").args(["-c", &script]).env_clear().env("PATH", "/usr/bin:/bin"));
        let came: Vec<String> = came.lock().expect("no call panics").drain(..).collect();
        let is_same = matches!(&came[..], [by_program, by_curl] if by_program == by_curl);
        if !is_same || [sent.code, curl.code, pasted.code] != [0; 3] {
            wrong.push(format!("{row:?}\n{sent:?}\n{curl:?}\n{pasted:?}\n{}", came.join("\n---\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Whoever reads a file or a pipe gets the server's bytes; an array of all pages is one text.
#[test]
fn json_in_another_encoding_is_passed_on_as_it_came_and_put_into_an_array_as_utf_8() {
    const ROWS: [(&str, &[u8]); 5] = [
        ("application/json;charset=ISO-8859-1", b"[\"\xe9\"]"),
        ("application/json;charset=ISO-8859-1", "[\"é\"]".as_bytes()),
        ("application/json", b"\xff\xfe[\0\"\0\xe9\0\"\0]\0"),
        ("application/json;charset=utf-16", b"[\0\"\0\xe9\0\"\0]\0"),
        ("application/json", b"\0[\0\"\0\xe9\0\"\0]"),
    ];
    let home = home(move |asked| {
        let (media_type, body) = ROWS[asked.head.path[1..].parse::<usize>().expect("a row")];
        let head = format!("200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {}", body.len());
        asked.answer(&head, body);
    });
    for (number, (media_type, body)) in ROWS.into_iter().enumerate() {
        let (path, file) = (format!("/{number}"), home.path("answer"));
        let out = ["-o", file.to_str().expect("UTF-8")];
        for (more, expected) in
            [(&[][..], body), (&["--paginate"], body), (&["--paginate", "--slurp"], "[[\"é\"]]\n".as_bytes())]
        {
            let ran = home.run(&[&["api", "-q", &path][..], more, &out].concat());
            assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{media_type} {more:?}");
            assert_eq!(fs::read(&file).expect("it is there"), expected, "{media_type} {more:?}");
        }
    }
}

#[test]
fn an_answer_that_calls_itself_json_and_is_none_is_told_and_printed() {
    let rows = [
        ("application/json", "{\"a\":1}", ""),
        ("application/json", "", ""),
        ("application/json;charset=UTF-8", "{\"a\":1", "it breaks off after 6 bytes"),
        ("Application/Problem+JSON", "<html>\u{1b}", "`<` is at byte 1"),
        ("text/html", "<html>", ""),
        ("application/x-ndjson", "{\"a\":1}\nx", ""),
        // A part, which is asked for.
        ("application/json ", "{\"a\":1", ""),
    ];
    let home = home(move |asked| {
        let (media_type, body, _) = rows[asked.head.path[1..].parse::<usize>().expect("a row")];
        let status = if media_type.ends_with(' ') { "206 Partial Content" } else { "200 OK" };
        let head = format!("{status}\r\ncontent-type: {media_type}\r\ncontent-length: {}", body.len());
        asked.answer(&head, body.as_bytes());
    });
    for (number, (media_type, body, fault)) in rows.into_iter().enumerate() {
        let path = format!("/{number}");
        let said = match fault {
            "" => String::new(),
            fault => format!("warning: the answer calls itself JSON and is none: {fault}\n"),
        };
        let printed = home.run(&["api", "-q", &path]);
        assert_eq!((printed.code, printed.stdout.as_str(), &printed.stderr), (0, body, &said), "{media_type} {body}");
        let file = home.path("answer");
        let saved = home.run(&["api", &path, "-o", file.to_str().expect("UTF-8")]);
        assert_eq!((saved.code, saved.stdout.as_str(), &saved.stderr), (0, "", &said), "{media_type} {body}");
        assert_eq!(fs::read_to_string(file).expect("it is there"), body);
        home.run(&["api", "--silent", &path]).worked("");
    }
    // Of a long one, what is wrong may be far from its beginning.
    let long = "[\"0123456789\",".to_owned() + &"\"0123456789\",".repeat(20_000);
    let length = long.len();
    assert_eq!(length, 260_014);
    let home = crate::bodies::home(move |asked| {
        let head = format!("200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}");
        asked.answer(&head, long.as_bytes());
    });
    let printed = home.run(&["api", "/x"]);
    assert_eq!((printed.code, printed.stdout.len()), (0, length));
    assert!(printed.stderr.ends_with("it breaks off after 260,014 bytes\n"), "{}", printed.stderr);
}
