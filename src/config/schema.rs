//! The configuration's JSON Schema (2020-12), for editors and other programs. It is made from the types that read the file,
//! by a test that compares it with what the program prints, so that it costs the program nothing.

/// The schema as it is printed.
pub const SCHEMA: &str = include_str!("../../docs/config.schema.json");

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema, schema_for};

    use super::SCHEMA;
    use crate::config::ClientType;
    use crate::config::file::{File, ProviderKind};
    use crate::profile::ProfileName;

    impl JsonSchema for ProfileName {
        fn schema_name() -> Cow<'static, str> {
            "ProfileName".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" })
        }
    }

    impl JsonSchema for ProviderKind {
        fn schema_name() -> Cow<'static, str> {
            "ProviderKind".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "type": "string", "enum": ProviderKind::words() })
        }
    }

    impl JsonSchema for ClientType {
        fn schema_name() -> Cow<'static, str> {
            "ClientType".into()
        }

        /// The words to write, and what else is taken for one of them.
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            let words: Vec<&str> = ClientType::ALL.into_iter().map(ClientType::word).chain(["desktop"]).collect();
            let any_case = |letter: char| match letter {
                '-' => "[-_ ]".to_owned(),
                letter => format!("[{}{letter}]", letter.to_ascii_uppercase()),
            };
            let spelt = |word: &str| word.chars().map(any_case).collect::<String>();
            let spellings: Vec<String> = words.iter().chain(&["mobile-based"]).map(|word| spelt(word)).collect();
            let (spellings, application) = (spellings.join("|"), spelt("-application"));
            json_schema!({
                "type": "string",
                "anyOf": [
                    { "enum": words },
                    { "pattern": format!("^\\s*({spellings})({application}[Ss]?)?\\s*$") },
                ],
                "default": ClientType::default().word(),
            })
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the directory is this test's own")]
    fn the_schema_is_that_of_the_types() {
        let made = serde_json::to_string_pretty(&schema_for!(File)).expect("a schema is JSON") + "\n";
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/config.schema.json");
            std::fs::write(path, &made).expect("the documentation can be written");
        } else {
            assert_eq!(made, SCHEMA, "run `UPDATE_DOCS=1 cargo test --lib config::schema`");
        }
    }
}
