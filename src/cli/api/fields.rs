//! Fields of a call, written as `gh api` writes them: `-F` reads numbers and words, `-f` takes text as it stands.

use std::io::{self, Read};

use serde_json::{Map, Value};
use url::Url;
use url::form_urlencoded::{Serializer, Target};

use crate::error::{Code, Error};
use crate::files;

/// Bytes; larger values are mistakes.
const LONGEST_VALUE: u32 = 64 * 1024 * 1024;

/// Fields in the order in which they were given, `-F` first.
#[derive(Debug)]
pub(super) struct Fields(Vec<(String, Value)>);

impl Fields {
    pub(super) fn read(typed: &[String], raw: &[String]) -> Result<Self, Error> {
        let mut fields = Vec::new();
        for field in typed {
            let (key, value) = split(field)?;
            fields.push((key, typed_value(value)?));
        }
        for field in raw {
            let (key, value) = split(field)?;
            fields.push((key, Value::String(value.to_owned())));
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
        for (key, value) in &self.0 {
            match value {
                Value::String(text) => form.append_pair(key, text),
                other => form.append_pair(key, &other.to_string()),
            };
        }
    }

    /// A JSON object in which `key[inner]` is a member of `key` and `key[]` an element.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, Error> {
        let mut object = Value::Object(Map::new());
        for (key, value) in &self.0 {
            let path =
                key_path(key).ok_or_else(|| problem(format!("`{key}` is no key such as `a`, `a[b]` or `a[]`")))?;
            insert(&mut object, &path, value.clone())
                .map_err(|()| problem(format!("`{key}` is used both as a value and as a list or object")))?;
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
    let (key, value) = field
        .split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .ok_or_else(|| problem("it has no `=` after its key".to_owned()))?;
    Ok((key.to_owned(), value))
}

fn typed_value(text: &str) -> Result<Value, Error> {
    if let Some(file) = text.strip_prefix('@') {
        let failed = |error: io::Error| {
            let hint = files::advice(&error);
            problem(format!("the file `{file}` cannot be read: {error}")).advise_only(hint)
        };
        let text = if file == "-" {
            read_stdin()
        } else {
            files::read_text(file.as_ref(), LONGEST_VALUE).map(|text| text.to_string())
        };
        return Ok(Value::String(text.map_err(failed)?));
    }
    Ok(match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" => Value::Null,
        // Text such as `007` or a telephone number stays text.
        _ => match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => Value::from(number),
            _ => Value::String(text.to_owned()),
        },
    })
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
fn insert(target: &mut Value, path: &[&str], value: Value) -> Result<(), ()> {
    let Some((first, rest)) = path.split_first() else {
        *target = value;
        return Ok(());
    };
    if target.is_null() {
        *target = if first.is_empty() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
    }
    match target {
        Value::Object(members) if !first.is_empty() => {
            let member = members.entry(*first).or_insert(Value::Null);
            if rest.is_empty() {
                *member = value;
                return Ok(());
            }
            insert(member, rest, value)
        }
        Value::Array(elements) if first.is_empty() => {
            let goes_on = elements.last().is_some_and(|last| !rest.is_empty() && has_room(last, rest));
            if !goes_on {
                elements.push(Value::Null);
            }
            elements.last_mut().ok_or(()).and_then(|last| insert(last, rest, value))
        }
        _ => Err(()),
    }
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
        let typed = ["a=1", "b=true", "c=null", "d=x=y", "e=007", "f=-5", "g="];
        let expected = r#"{"a":1,"b":true,"c":null,"d":"x=y","e":"007","f":-5,"g":""}"#;
        assert_eq!(json(&typed, &[]).as_deref(), Some(expected));
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
        for field in ["x", "=x", ""] {
            assert!(Fields::read(&[field.to_owned()], &[]).is_err(), "{field:?}");
        }
        assert!(Fields::read(&["a=@/nothing/here".to_owned()], &[]).is_err());
    }

    #[test]
    fn queries_are_encoded() {
        let mut url = Url::parse("https://x.example/a?b=1").expect("an address");
        fields(&["n=2"], &["t=a b&c"]).add_to_query(&mut url);
        assert_eq!(url.as_str(), "https://x.example/a?b=1&n=2&t=a+b%26c");
    }
}
