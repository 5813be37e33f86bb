//! Fields of a call, written as `gh api` writes them: `-F` reads numbers and words, `-f` takes text as it stands.

use std::io::{self, Read};

use serde_json::map::Entry;
use serde_json::{Map, Value};
use url::Url;
use url::form_urlencoded::{Serializer, Target};

use crate::error::{Code, Error};
use crate::files;

/// Bytes; larger values are mistakes.
const LONGEST_VALUE: u32 = 64 * 1024 * 1024;

/// Fields in the order in which they were given, `-F` first.
#[derive(Debug)]
pub(super) struct Fields(Vec<Field>);

#[derive(Debug)]
struct Field {
    key: String,
    /// As it was given: queries and forms have nothing else.
    text: String,
    /// What JSON has in its place, where that is no text.
    typed: Option<Value>,
}

/// Why a field has no place in an object.
#[derive(Debug, PartialEq, Eq)]
enum Clash {
    /// Another field has its key.
    Twice,
    /// Its key is a value in one place, and a list or an object in another.
    Kinds,
}

impl Fields {
    pub(super) fn read(typed: &[String], raw: &[String]) -> Result<Self, Error> {
        let mut fields = Vec::new();
        for field in typed {
            let (key, value) = split(field)?;
            let (text, typed) = match value.strip_prefix('@') {
                Some(file) => (read_value(file)?, None),
                None => (value.to_owned(), typed_value(value)),
            };
            fields.push(Field { key, text, typed });
        }
        for field in raw {
            let (key, value) = split(field)?;
            fields.push(Field { key, text: value.to_owned(), typed: None });
        }
        Ok(Self(fields))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add_to_query(&self, url: &mut Url) {
        if !self.is_empty() {
            self.append_to(&mut url.query_pairs_mut());
        }
    }

    /// As the body of a form.
    pub(super) fn to_form(&self) -> Vec<u8> {
        let mut form = Serializer::new(String::new());
        self.append_to(&mut form);
        form.finish().into_bytes()
    }

    fn append_to<T: Target>(&self, form: &mut Serializer<'_, T>) {
        for Field { key, text, .. } in &self.0 {
            form.append_pair(key, text);
        }
    }

    /// A JSON object in which `key[inner]` is a member of `key` and `key[]` an element.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, Error> {
        let mut object = Value::Object(Map::new());
        for Field { key, text, typed } in &self.0 {
            let path =
                key_path(key).ok_or_else(|| problem(format!("`{key}` is no key such as `a`, `a[b]` or `a[]`")))?;
            let value = typed.clone().unwrap_or_else(|| Value::String(text.clone()));
            insert(&mut object, &path, value).map_err(|clash| {
                problem(match clash {
                    Clash::Twice => format!("`{key}` is given twice, and a JSON object has each key once"),
                    Clash::Kinds => format!("`{key}` is used both as a value and as a list or object"),
                })
            })?;
        }
        Ok(object.to_string().into_bytes())
    }
}

/// Whether a field's value comes from stdin.
pub(super) fn reads_stdin(field: &str) -> bool {
    field.split_once('=').is_some_and(|(_, value)| value == "@-")
}

fn problem(cause: String) -> Error {
    let hint = "write `-F key=value` or `-f key=text`, and `key[inner]` or `key[]` for objects and lists";
    Error::new(Code::Usage, "a field of the call cannot be used").because(cause).advise(hint)
}

fn split(field: &str) -> Result<(String, &str), Error> {
    match field.split_once('=') {
        Some(("", _)) => Err(problem("it has no key before its `=`".to_owned())),
        Some((key, value)) => Ok((key.to_owned(), value)),
        None => Err(problem("it has no `=` after its key".to_owned())),
    }
}

fn read_value(file: &str) -> Result<String, Error> {
    let text = if file == "-" {
        read_stdin()
    } else {
        files::read_text(file.as_ref(), LONGEST_VALUE).map(|text| text.to_string())
    };
    text.map_err(|error: io::Error| {
        let hint = files::advice(&error);
        problem(format!("the file `{file}` cannot be read: {error}")).advise_only(hint)
    })
}

/// A number or word of JSON; `None` for text. What JSON would not write so, as `007` or `+49`, is text, and so is a number with
/// more digits than programs keep.
fn typed_value(text: &str) -> Option<Value> {
    /// All of these come through a floating-point number.
    const SAFE_DIGITS: usize = 15;

    let value: Value = serde_json::from_str(text).ok()?;
    let is_kept = match &value {
        Value::Number(number) if number.is_f64() => {
            let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
            mantissa.bytes().filter(u8::is_ascii_digit).count() <= SAFE_DIGITS
        }
        Value::Bool(_) | Value::Null | Value::Number(_) => true,
        Value::String(_) | Value::Array(_) | Value::Object(_) => false,
    };
    // JSON may have white space around it, which a field keeps.
    (is_kept && text.trim() == text).then_some(value)
}

fn read_stdin() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().take(u64::from(LONGEST_VALUE) + 1).read_to_string(&mut text)?;
    if text.len() > LONGEST_VALUE as usize {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {LONGEST_VALUE} bytes")));
    }
    Ok(text)
}

/// `a[b][]` as `["a", "b", ""]`.
fn key_path(key: &str) -> Option<Vec<&str>> {
    let Some(start) = key.find('[') else { return Some(vec![key]) };
    let mut path = vec![key.get(..start).filter(|first| !first.is_empty())?];
    for part in key.get(start + 1..)?.strip_suffix(']')?.split("][") {
        if part.contains(['[', ']']) {
            return None;
        }
        path.push(part);
    }
    Some(path)
}

/// Puts `value` at `path`. A list goes on with its last element until that has the member already.
fn insert(target: &mut Value, path: &[&str], value: Value) -> Result<(), Clash> {
    let Some((first, rest)) = path.split_first() else { return Err(Clash::Twice) };
    match target {
        Value::Object(members) if !first.is_empty() => match members.entry(*first) {
            Entry::Vacant(free) => {
                free.insert(nested(rest, value));
                Ok(())
            }
            Entry::Occupied(mut taken) => insert(taken.get_mut(), rest, value),
        },
        Value::Array(elements) if first.is_empty() => {
            if let Some(last) = elements.last_mut().filter(|last| has_room(last, rest)) {
                return insert(last, rest, value);
            }
            elements.push(nested(rest, value));
            Ok(())
        }
        _ => Err(Clash::Kinds),
    }
}

/// The value in the objects and lists of `path`.
fn nested(path: &[&str], value: Value) -> Value {
    path.iter().rev().fold(value, |inner, part| match *part {
        "" => Value::Array(vec![inner]),
        key => Value::Object(Map::from_iter([(key.to_owned(), inner)])),
    })
}

/// Tells whether nothing is at `path` yet, or a list that grows.
fn has_room(value: &Value, path: &[&str]) -> bool {
    match (value, path) {
        (Value::Object(members), [first, rest @ ..]) if !first.is_empty() => match members.get(*first) {
            Some(member) => !rest.is_empty() && has_room(member, rest),
            None => true,
        },
        (Value::Array(_), [first, ..]) => first.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::Fields;

    fn fields(typed: &[&str], raw: &[&str]) -> Fields {
        let owned = |fields: &[&str]| fields.iter().map(|&field| field.to_owned()).collect::<Vec<_>>();
        Fields::read(&owned(typed), &owned(raw)).expect("readable")
    }

    fn json(typed: &[&str], raw: &[&str]) -> Option<String> {
        fields(typed, raw).to_json().ok().map(|json| String::from_utf8(json).expect("JSON is text"))
    }

    #[test]
    fn only_typed_fields_are_read_as_numbers_and_words() {
        for (text, value) in [
            ("1", "1"),
            ("-5", "-5"),
            ("18446744073709551615", "18446744073709551615"),
            ("1.5", "1.5"),
            ("-0.25", "-0.25"),
            ("1.0", "1.0"),
            ("1e3", "1000.0"),
            ("true", "true"),
            ("false", "false"),
            ("null", "null"),
            ("x=y", r#""x=y""#),
            ("", r#""""#),
            ("007", r#""007""#),
            ("+49", r#""+49""#),
            ("1.", r#""1.""#),
            (".5", r#"".5""#),
            ("1e999", r#""1e999""#),
            (" 1", r#"" 1""#),
            ("NaN", r#""NaN""#),
            ("[1]", r#""[1]""#),
            ("{}", r#""{}""#),
            ("0.12345678901234567", r#""0.12345678901234567""#),
            ("123456789012345678901", r#""123456789012345678901""#),
        ] {
            let field = format!("a={text}");
            assert_eq!(json(&[&field], &[]), Some(format!(r#"{{"a":{value}}}"#)), "{text}");
        }
        assert_eq!(json(&[], &["a=1", "b=@file"]).as_deref(), Some(r#"{"a":"1","b":"@file"}"#));
    }

    #[test]
    fn brackets_make_lists_and_objects() {
        let expected = r#"{"data":[{"Company":"B","Last_Name":"A"},{"Last_Name":"C"}],"trigger":["x","y"]}"#;
        let raw = ["data[][Last_Name]=A", "data[][Company]=B", "data[][Last_Name]=C", "trigger[]=x", "trigger[]=y"];
        assert_eq!(json(&[], &raw).as_deref(), Some(expected));
        assert_eq!(json(&[], &["a[b][c]=1", "a[b][d]=2"]).as_deref(), Some(r#"{"a":{"b":{"c":"1","d":"2"}}}"#));
    }

    #[test]
    fn keys_that_contradict_each_other_or_make_no_sense_are_refused() {
        for raw in [&["a=1", "a[b]=2"][..], &["a[]=1", "a[b]=2"], &["[a]=1"], &["a[b=1"], &["a[b]c=1"], &["a[[b]]=1"]] {
            assert_eq!(json(&[], raw), None, "{raw:?}");
        }
        for twice in [["a=1", "a=2"], ["a=null", "a=1"], ["a[b]=1", "a[b]=2"], ["a[]=1", "a=2"], ["a[b]=1", "a=2"]] {
            for problem in [fields(&twice, &[]).to_json(), fields(&twice[..1], &twice[1..]).to_json()] {
                let problem = problem.expect_err("one of them would be lost");
                assert!(problem.to_string().contains("is given twice"), "{twice:?}: {problem}");
            }
        }
        assert_eq!(json(&["a=null", "a[b]=1"], &[]), None);
        for field in ["x", "=x", ""] {
            assert!(Fields::read(&[field.to_owned()], &[]).is_err(), "{field:?}");
        }
        assert!(Fields::read(&["a=@/nothing/here".to_owned()], &[]).is_err());
    }

    #[test]
    fn queries_are_encoded() {
        let mut url = Url::parse("https://x.example/a?b=1").expect("an address");
        fields(&["n=1.10", "n=1e3"], &["t=a b&c"]).add_to_query(&mut url);
        assert_eq!(url.as_str(), "https://x.example/a?b=1&n=1.10&n=1e3&t=a+b%26c");
    }
}
