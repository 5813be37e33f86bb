//! Mail programs that sign in with a token: an SMTP and an IMAP server of the test's own, as far as that goes.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::text::Recipe;
use super::{Kitchen, TOKEN};

/// Far beyond what any step takes.
const DEADLINE: Duration = Duration::from_secs(30);

/// Both programs send a mail, and the third one lists the mailboxes; each signs in by XOAUTH2.
pub(super) fn is_sent_and_fetched(recipe: &Recipe, kitchen: &Kitchen) {
    let [add, list] = recipe.commands.as_slice() else { panic!("{:?}", recipe.commands) };
    let added = kitchen.run("sh", add);
    assert_eq!(added.code, 0, "{added:?}");
    let (client, server) =
        ("11111111-2222-3333-4444-555555555555", "https://login.microsoftonline.com/common/oauth2/v2.0/token");
    kitchen.sign_in("mail", "microsoft", client, server);

    let (port, mails) = serve(smtp);
    let changed =
        [("smtp.office365.com", "127.0.0.1".to_owned()), ("587", port.to_string()), (" on\n", " off\n".to_owned())];
    let settings = changed.iter().fold(recipe.file("msmtprc").to_owned(), |text, (from, to)| text.replace(from, to));
    kitchen.home.write("msmtprc", &settings);
    let sent = kitchen.run("sh", "printf 'Subject: hello\\n\\nby msmtp\\n' | msmtp --file=msmtprc you@example.com");
    assert_eq!(sent.code, 0, "{sent:?}");
    assert!(mails.recv_timeout(DEADLINE).expect("a mail came").contains("by msmtp"));

    let overrides = format!(
        "-e 'set smtp_url=smtp://me@example.com@127.0.0.1:{port}/' -e 'set ssl_force_tls=no ssl_starttls=no copy=no'"
    );
    let line = format!("echo by neomutt | neomutt -F neomuttrc {overrides} -s hello you@example.com");
    let sent = kitchen.run("sh", &line);
    assert_eq!(sent.code, 0, "{sent:?}");
    assert!(mails.recv_timeout(DEADLINE).expect("a mail came").contains("by neomutt"));

    let (port, signed_in) = serve(imap);
    let changed =
        [("outlook.office365.com", "127.0.0.1".to_owned()), ("SSLType IMAPS", format!("SSLType None\nPort {port}"))];
    let settings = changed.iter().fold(recipe.file("mbsyncrc").to_owned(), |text, (from, to)| text.replace(from, to));
    kitchen.home.write("mbsyncrc", &settings);
    let listed = kitchen.run("sh", list);
    assert!(listed.code == 0 && listed.stdout.contains("INBOX"), "{listed:?}");
    assert_eq!(signed_in.recv_timeout(DEADLINE).expect("somebody signed in"), "me@example.com");
}

/// Serves every connection; each may tell one thing.
fn serve(talk: fn(&mut Wire) -> Option<String>) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be listened at");
    let port = listener.local_addr().expect("it listens").port();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that went away says nothing.
            if let Some(told) = talk(&mut Wire(BufReader::new(stream))) {
                let _ = sender.send(told);
            }
        }
    });
    (port, receiver)
}

struct Wire(BufReader<TcpStream>);

impl Wire {
    fn say(&mut self, line: &str) {
        let _ = write!(self.0.get_mut(), "{line}\r\n");
    }

    fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).ok()?;
        (read > 0).then(|| line.trim_end().to_owned())
    }
}

impl Wire {
    /// What the client says to a mechanism, at once behind its name or when it is asked.
    fn answer(&mut self, mechanism: &str, ask: &str) -> Option<String> {
        if let Some((_, answer)) = mechanism.split_once(' ') {
            return Some(answer.to_owned());
        }
        self.say(ask);
        self.hear()
    }
}

/// The user in an XOAUTH2 answer with the right token.
fn user(answer: &str) -> Option<String> {
    let answer = String::from_utf8(STANDARD.decode(answer).ok()?).ok()?;
    let (user, rest) = answer.strip_prefix("user=")?.split_once('\x01')?;
    (rest == format!("auth=Bearer {TOKEN}\x01\x01")).then(|| user.to_owned())
}

/// Takes a mail of whoever signs in.
fn smtp(wire: &mut Wire) -> Option<String> {
    wire.say("220 test");
    let mut mail = String::new();
    let mut is_signed_in = false;
    loop {
        let line = wire.hear()?;
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => ["250-test", "250 AUTH XOAUTH2"].into_iter().for_each(|line| wire.say(line)),
            "AUTH" => {
                let answer = wire.answer(rest, "334 ")?;
                is_signed_in = user(&answer).is_some();
                wire.say(if is_signed_in { "235 welcome" } else { "535 no" });
            }
            "DATA" if is_signed_in => {
                wire.say("354 go on");
                loop {
                    match wire.hear()?.as_str() {
                        "." => break,
                        line => mail += line,
                    }
                }
                wire.say("250 kept");
            }
            "QUIT" => {
                wire.say("221 bye");
                return Some(mail);
            }
            "MAIL" | "RCPT" if is_signed_in => wire.say("250 fine"),
            _ => wire.say("530 sign in"),
        }
    }
}

/// Lists one mailbox to whoever signs in.
fn imap(wire: &mut Wire) -> Option<String> {
    wire.say("* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] test");
    let mut who = None;
    loop {
        let line = wire.hear()?;
        let mut words = line.splitn(3, ' ');
        let (tag, verb, rest) = (words.next()?, words.next()?.to_ascii_uppercase(), words.next().unwrap_or_default());
        match verb.as_str() {
            "AUTHENTICATE" => {
                who = user(&wire.answer(rest, "+ ")?);
                wire.say(&format!("{tag} {}", if who.is_some() { "OK" } else { "NO" }));
            }
            "LIST" if who.is_some() => {
                wire.say("* LIST () \"/\" INBOX");
                wire.say(&format!("{tag} OK"));
            }
            "LOGOUT" => {
                wire.say("* BYE");
                wire.say(&format!("{tag} OK"));
                return who;
            }
            "CAPABILITY" => {
                wire.say("* CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR");
                wire.say(&format!("{tag} OK"));
            }
            _ => wire.say(&format!("{tag} OK")),
        }
    }
}
