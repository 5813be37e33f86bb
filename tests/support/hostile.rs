//! The hostile values and the fields that carry them, from `tests/fixtures/hostile/`, and what counts as harmless.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One value in one field of one answer.
pub(crate) struct Case {
    pub(crate) answer: String,
    pub(crate) field: String,
    pub(crate) value: Value,
    pub(crate) must: Must,
}

/// What has to become of a hostile value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Must {
    BeRefused,
    BeDefused,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    name: String,
    #[serde(default)]
    refused: Vec<Field>,
    #[serde(default)]
    defused: Vec<Field>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    name: String,
    kinds: Vec<String>,
    /// The value is the one item of a list.
    #[serde(default)]
    in_list: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Values {
    values: Vec<WrittenValue>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum WrittenValue {
    Text(String),
    Long {
        repeat: String,
        times: usize,
        #[serde(default)]
        after: String,
    },
    Other {
        json: String,
    },
}

impl WrittenValue {
    fn value(&self) -> Value {
        match self {
            WrittenValue::Text(text) => Value::from(text.as_str()),
            WrittenValue::Long { repeat, times, after } => Value::from(format!("{after}{}", repeat.repeat(*times))),
            WrittenValue::Other { json } => serde_json::from_str(json).expect("it is JSON"),
        }
    }
}

/// All values of a kind.
pub(crate) fn values(kind: &str) -> Vec<Value> {
    let kinds: BTreeMap<String, Values> =
        toml::from_str(include_str!("../fixtures/hostile/values.toml")).expect("values.toml is as it says");
    let kind = kinds.get(kind).unwrap_or_else(|| panic!("values.toml has no kind {kind:?}"));
    kind.values.iter().map(WrittenValue::value).collect()
}

/// Every field with each of its values.
pub(crate) fn cases() -> Vec<Case> {
    let written: Written =
        toml::from_str(include_str!("../fixtures/hostile/fields.toml")).expect("fields.toml is as it says");
    let mut cases = Vec::new();
    for Answer { name: answer, refused, defused } in &written.answers {
        let refused = refused.iter().map(|field| (field, Must::BeRefused));
        let defused = defused.iter().map(|field| (field, Must::BeDefused));
        for (field, must) in refused.chain(defused) {
            assert!(!field.kinds.is_empty(), "{answer}: {} has no values", field.name);
            for value in field.kinds.iter().flat_map(|kind| values(kind)) {
                let value = if field.in_list { Value::from(vec![value]) } else { value };
                cases.push(Case { answer: answer.clone(), field: field.name.clone(), value, must });
            }
        }
    }
    cases
}

/// Control, bidi, zero-width and blank characters, written apart from the program's own list.
pub(crate) fn is_hidden(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    character.is_control()
        || ['\u{ad}', '\u{34f}', '\u{61c}', '\u{feff}', '\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}', '\u{2800}']
            .contains(&character)
        || ('\u{200b}'..='\u{200f}').contains(&character)
        || ('\u{2028}'..='\u{202e}').contains(&character)
        || ('\u{2060}'..='\u{206f}').contains(&character)
        || ('\u{fff9}'..='\u{fffb}').contains(&character)
        || ('\u{13430}'..='\u{1343f}').contains(&character)
        || ('\u{1bca0}'..='\u{1bca3}').contains(&character)
        || ('\u{1d173}'..='\u{1d17a}').contains(&character)
        || ('\u{e0000}'..='\u{e0fff}').contains(&character)
}
