//! What a person means by the body of a request that is typed: the text as it stands, the name of a file, or the parts of a
//! form, a line each.

use crate::api::Call;
use crate::error::{Code, Error};
use crate::files;
use crate::http::multipart::{BYTES, NoPart, Part, is_bare_form, multipart, promised_type};
use crate::http::source::{Source, Unreadable};
use crate::http::upload::Upload;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypedBody {
    AsItStands,
    /// `@PATH`.
    File(Source),
    /// Where the content type asks for a form, and no boundary says that it is written out already.
    Form(Vec<Part>),
}

/// Why a body that was typed means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoBody {
    /// Counted from 1.
    line: usize,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    NoFile,
    Stdin,
    NoPart(NoPart),
}

impl TypedBody {
    /// Reads no file.
    pub fn of(call: &Call) -> Result<Self, NoBody> {
        let text = std::str::from_utf8(&call.body).unwrap_or_default();
        if text.trim().is_empty() {
            return Ok(Self::AsItStands);
        }
        let of_line = |(number, line): (usize, &str)| {
            let failed = |why| NoBody { line: number + 1, why };
            let part = Part::parse(line).map_err(|why| failed(Why::NoPart(why)))?;
            if part.source() == Some(&Source::Stdin) { Err(failed(Why::Stdin)) } else { Ok(part) }
        };
        if call.headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("content-type") && is_bare_form(value)) {
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            return lines.map(of_line).collect::<Result<_, _>>().map(Self::Form);
        }
        match text.trim_end().strip_prefix('@').filter(|path| !path.contains('\n')) {
            None => Ok(Self::AsItStands),
            Some("") => Err(NoBody { line: 1, why: Why::NoFile }),
            Some("-") => Err(NoBody { line: 1, why: Why::Stdin }),
            Some(path) => Ok(Self::File(Source::named(path))),
        }
    }

    /// The type that the ending of the file's name promises.
    pub fn media_type(&self) -> Option<&'static str> {
        let Self::File(source) = self else { return None };
        Some(promised_type(&source.file_name()).unwrap_or(BYTES))
    }

    /// The same in few words; `None` where there is nothing to tell.
    pub fn in_words(&self) -> Option<String> {
        match self {
            Self::AsItStands => None,
            Self::File(source) => Some(format!("the body of {}", source.name())),
            Self::Form(parts) if parts.len() == 1 => Some("a form of 1 part".to_owned()),
            Self::Form(parts) => Some(format!("a form of {} parts", parts.len())),
        }
    }

    /// Opens the files for what is read while it is sent, and gives the call the rest. Blocks the thread.
    pub fn open(&self, call: &mut Call) -> Result<Option<Upload>, Error> {
        let (upload, media_type) = match self {
            Self::AsItStands => return Ok(None),
            Self::File(source) => {
                check_regular(source).map_err(unreadable)?;
                (Upload::new(vec![source.open().map_err(unreadable)?]), None)
            }
            Self::Form(parts) => {
                parts.iter().filter_map(Part::source).try_for_each(check_regular).map_err(unreadable)?;
                let (upload, media_type) = multipart(parts).map_err(unreadable)?;
                (upload, Some(media_type))
            }
        };
        call.body.clear();
        if let Some(media_type) = media_type {
            call.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            call.headers.push(("content-type".to_owned(), media_type));
        }
        Ok(Some(upload))
    }

    /// The call and the options by which curl sends the same: it reads the files itself.
    pub fn for_curl(&self, call: &Call) -> (Call, Vec<[String; 2]>) {
        let mut call = call.clone();
        let options = match self {
            Self::AsItStands => return (call, Vec::new()),
            Self::File(source) => vec![["--data-binary".to_owned(), format!("@{}", source.for_curl())]],
            Self::Form(parts) => {
                call.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
                parts.iter().map(Part::for_curl).collect()
            }
        };
        call.body.clear();
        (call, options)
    }
}

impl std::fmt::Display for NoBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {} of the body: ", self.line)?;
        match self.why {
            Why::NoFile => f.write_str("`@` is followed by no file"),
            Why::Stdin => f.write_str("`@-` means stdin, which are your keys here: name a file"),
            Why::NoPart(NoPart::NoName) => {
                write!(f, "{}; a form has a part a line, `name=text` or `name=@FILE`", NoPart::NoName)
            }
            Why::NoPart(why) => write!(f, "{why}"),
        }
    }
}

/// What keeps a body from being read, found before anything is sent.
pub fn unreadable(unreadable: Unreadable) -> Error {
    let Unreadable { name, error } = unreadable;
    let hint = files::advice(&error);
    Error::new(Code::Usage, format!("the body could not be read from {name}")).because(error).advise(hint)
}

/// A pipe might never say anything, and nobody could end the waiting for it.
fn check_regular(source: &Source) -> Result<(), Unreadable> {
    let Source::File(path) = source else { return Ok(()) };
    let problem = match path.metadata() {
        Ok(found) if found.is_file() => return Ok(()),
        Ok(found) if found.is_dir() => std::io::ErrorKind::IsADirectory.into(),
        Ok(_) => std::io::Error::other("it is no regular file"),
        Err(error) => error,
    };
    Err(Unreadable { name: source.name(), error: problem })
}

#[cfg(test)]
mod tests {
    use super::TypedBody;
    use crate::api::Call;
    use crate::http::Method;

    fn call(content_type: &str, body: &str) -> Call {
        let headers = [("Content-Type".to_owned(), content_type.to_owned())];
        let headers = headers.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let url = "https://a.example/x".parse().expect("an address");
        Call { method: Method::Post, url, headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_body_is_text_a_file_or_a_form_by_its_looks_and_its_type() {
        for (content_type, body, expected) in [
            ("", "", Ok(None)),
            ("", "{}", Ok(None)),
            ("", " @x", Ok(None)),
            ("", "@x\ny", Ok(None)),
            ("", "@/x y.csv\n", Ok(Some("the body of /x y.csv"))),
            ("text/plain", "@/x", Ok(Some("the body of /x"))),
            ("", "@", Err("line 1 of the body: `@` is followed by no file")),
            ("", "@-", Err("line 1 of the body: `@-` means stdin, which are your keys here: name a file")),
            ("multipart/form-data", "", Ok(None)),
            ("multipart/form-data", "a=1", Ok(Some("a form of 1 part"))),
            ("Multipart/Form-Data; charset=utf-8", "a=1\n\nb=@/x;type=text/csv\n", Ok(Some("a form of 2 parts"))),
            ("multipart/form-data; boundary=x", "--x--", Ok(None)),
            (
                "multipart/form-data",
                "a=1\n\nb",
                Err(
                    "line 3 of the body: it has no `=` after its name; a form has a part a line, `name=text` or `name=@FILE`",
                ),
            ),
            ("multipart/form-data", "a=@", Err("line 1 of the body: it names no file")),
            (
                "multipart/form-data",
                "a=@-",
                Err("line 1 of the body: `@-` means stdin, which are your keys here: name a file"),
            ),
            ("multipart/form-data", "a=@x;type=png", Err("line 1 of the body: its type is none such as `text/csv`")),
        ] {
            let told =
                TypedBody::of(&call(content_type, body)).map(|typed| typed.in_words()).map_err(|why| why.to_string());
            assert_eq!(told, expected.map(|words| words.map(str::to_owned)).map_err(str::to_owned), "{body:?}");
        }
    }

    #[test]
    fn what_is_no_file_is_told_before_anything_is_sent() {
        let directory = tempfile::tempdir().expect("a directory");
        let here = directory.path().to_str().expect("a name");
        for (content_type, body, cause) in [
            ("", format!("@{here}/none"), "No such file"),
            ("", format!("@{here}"), "directory"),
            ("multipart/form-data", format!("a=1\nb=@{here}/none"), "No such file"),
            #[cfg(unix)]
            ("", "@/dev/zero".to_owned(), "no regular file"),
        ] {
            let mut call = call(content_type, &body);
            let before = call.clone();
            let error = TypedBody::of(&call).expect("it names a file").open(&mut call).expect_err(&body);
            assert!(error.to_string().contains(cause) && !error.what_helps().is_empty(), "{error}");
            assert_eq!(call, before);
        }
    }

    #[test]
    fn curl_is_given_the_file_or_the_parts() {
        let curl = |content_type: &str, body: &str| {
            let call = call(content_type, body);
            let (call, options) = TypedBody::of(&call).expect("a body").for_curl(&call);
            let options: Vec<String> = options.into_iter().map(|option| option.join(" ")).collect();
            (call.headers.len(), String::from_utf8_lossy(&call.body).into_owned(), options.join(" "))
        };
        assert_eq!(curl("a/b", "text"), (1, "text".to_owned(), String::new()));
        assert_eq!(curl("a/b", "@/x"), (1, String::new(), "--data-binary @/x".to_owned()));
        let options = "--form-string a=1 --form b=@\"/x\";type=application/octet-stream";
        assert_eq!(curl("multipart/form-data", "a=1\n\nb=@/x"), (0, String::new(), options.to_owned()));
        let home = std::env::home_dir().expect("a home");
        let home = home.display();
        for (line, expected) in [
            ("a=@~/x.csv", format!("--form a=@\"{home}/x.csv\";type=text/csv")),
            ("a=<~/x;type=a/b", format!("--form a=<\"{home}/x\";type=a/b")),
            ("a=@\"~/x;y\";filename=z.txt", format!("--form a=@\"{home}/x;y\";filename=\"z.txt\";type=text/plain")),
            ("a=<b=@~/x", "--form a=<\"b=@~/x\"".to_owned()),
            ("a=b=@~/x", "--form-string a=b=@~/x".to_owned()),
            ("a=~/x", "--form-string a=~/x".to_owned()),
        ] {
            assert_eq!(curl("multipart/form-data", line).2, expected, "{line}");
        }
    }
}
