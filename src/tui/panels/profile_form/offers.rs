//! The providers that can be chosen: Zoho, those of the configuration, the presets, any other by its issuer.

use crate::config::{Config, Fault, NewProvider, ProviderSource};
use crate::providers::presets::{PRESETS, Preset};
use crate::providers::{Dialect, standard};

/// A provider in the list.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) label: String,
    /// Where it is, or what it wants.
    pub(super) detail: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Under this name in the configuration, or built in.
    Known(String),
    Preset(&'static Preset),
    Issuer,
}

/// Something that a provider wants to know before it has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blank {
    pub(super) key: &'static str,
    pub(super) example: &'static str,
    pub(super) default: Option<&'static str>,
}

impl Blank {
    /// What its field is called on the screen.
    pub(super) fn label(&self) -> &'static str {
        match self.key {
            "host" => "Host",
            "tenant" => "Tenant",
            "realm" => "Realm",
            _ => "Issuer",
        }
    }
}

/// A provider with its blanks filled in.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) name: String,
    /// What is to be written, where the configuration does not have it yet.
    pub(super) new: Option<NewProvider>,
    pub(super) source: ProviderSource,
}

/// Zoho first, then what somebody took the trouble to configure.
pub(super) fn offers(config: &Config) -> Vec<Offer> {
    let known = |name: &str, label: &str, detail: &str| Offer {
        label: label.to_owned(),
        detail: detail.to_owned(),
        kind: Kind::Known(name.to_owned()),
    };
    let configured = config.providers.iter().filter(|(_, source)| source.is_described());
    let configured = configured.map(|(name, source)| known(name, name, &format!("configured: {}", source.identity())));
    let presets = PRESETS.iter().map(|preset| {
        let label = preset.dialect.display_name;
        let wants: Vec<&str> = preset.parameters.iter().map(|blank| blank.name).collect();
        match wants.as_slice() {
            [] => known(preset.kind, label, "no further settings"),
            wants => Offer {
                label: label.to_owned(),
                detail: format!("by its {}", wants.join(" and ")),
                kind: Kind::Preset(preset),
            },
        }
    });
    let another = Offer {
        label: "Another server".to_owned(),
        detail: "by its issuer (OpenID Connect or RFC 8414)".to_owned(),
        kind: Kind::Issuer,
    };
    let zoho = known("zoho", "Zoho", "all products, 11 data centers");
    [zoho].into_iter().chain(configured).chain(presets).chain([another]).collect()
}

/// The row of the provider that a profile names.
pub(super) fn position(offers: &[Offer], name: &str) -> Option<usize> {
    offers.iter().position(|offer| match &offer.kind {
        Kind::Known(known) => known == name,
        Kind::Preset(preset) => preset.kind == name,
        Kind::Issuer => false,
    })
}

impl Offer {
    /// What its blanks are asked for by.
    pub(super) fn question(&self) -> String {
        match self.kind {
            Kind::Issuer => "Where is the server?".to_owned(),
            Kind::Known(_) | Kind::Preset(_) => format!("Where is {}?", self.label),
        }
    }

    pub(super) fn blanks(&self) -> Vec<Blank> {
        match &self.kind {
            Kind::Known(_) => Vec::new(),
            Kind::Preset(preset) => {
                let blank = |blank: &crate::providers::presets::Parameter| Blank {
                    key: blank.name,
                    example: blank.example,
                    default: blank.default,
                };
                preset.parameters.iter().map(blank).collect()
            }
            Kind::Issuer => vec![Blank { key: "issuer", example: "https://id.example.com", default: None }],
        }
    }

    pub(super) fn dialect(&self, config: &Config) -> &'static Dialect {
        match &self.kind {
            Kind::Known(name) => config.providers.get(name).map_or(&standard::DIALECT, ProviderSource::dialect),
            Kind::Preset(preset) => preset.dialect,
            Kind::Issuer => &standard::DIALECT,
        }
    }

    /// It needs no further settings.
    pub(super) fn is_known(&self, config: &Config) -> bool {
        self.chosen(config, &[]).is_ok_and(|chosen| chosen.new.is_none())
    }

    /// The provider with these values in its blanks.
    ///
    /// # Errors
    ///
    /// What is wrong with a value.
    pub(super) fn chosen(&self, config: &Config, values: &[(&'static str, String)]) -> Result<Chosen, Fault> {
        let known = |name: &str| {
            let missing = || Fault::Entry { key: [].into(), problem: format!("has no provider `{name}`") };
            let source = config.providers.get(name).cloned().ok_or_else(missing)?;
            Ok(Chosen { name: name.to_owned(), new: None, source })
        };
        let given = |blank: &Blank| {
            let typed = values.iter().find(|(key, _)| *key == blank.key).map(|(_, value)| value.trim().to_owned());
            typed.filter(|typed| !typed.is_empty() && Some(typed.as_str()) != blank.default)
        };
        let values: Vec<(&'static str, String)> =
            self.blanks().iter().filter_map(|blank| Some((blank.key, given(blank)?))).collect();
        let needed = matches!(self.kind, Kind::Issuer) && values.is_empty();
        if let Some(Blank { key, example, .. }) = self.blanks().first().filter(|_| needed) {
            return Err(Fault::Value { key: (*key).into(), problem: format!("is needed, such as {example}") });
        }
        let kind = match &self.kind {
            Kind::Known(name) => return known(name),
            // With nothing but defaults it is the one that needs no configuration.
            Kind::Preset(preset) if values.is_empty() && config.providers.contains_key(preset.kind) => {
                return known(preset.kind);
            }
            Kind::Preset(preset) => preset.kind,
            Kind::Issuer => "standard",
        };
        let name = free_name(config, kind, values.first().map(|(_, value)| value.as_str()));
        let new = NewProvider { name: name.clone(), kind, values };
        let source = new.source()?;
        Ok(Chosen { name, new: Some(new), source })
    }
}

/// A name that says what it is: the host or tenant, else the kind, with a number where that is taken.
fn free_name(config: &Config, kind: &str, value: Option<&str>) -> String {
    let host = value.map(|value| value.split_once("://").map_or(value, |(_, rest)| rest));
    let host = host.and_then(|host| host.split(['/', ':', '?', '#']).next()).unwrap_or_default();
    let plain: String =
        host.chars().map(|character| if character.is_ascii_alphanumeric() { character } else { '-' }).collect();
    let plain = plain.trim_matches('-').to_ascii_lowercase();
    let name = if plain.is_empty() { format!("my-{kind}") } else { plain };
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut names = [name.clone()].into_iter().chain(numbered);
    names.find(|name| !config.providers.contains_key(name)).unwrap_or(name)
}
