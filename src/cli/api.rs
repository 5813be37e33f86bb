//! `api`: one call with a fresh token. Fields make the query or the body, as users of `gh api` expect.

mod fields;

use std::io::Read;

use clap::Args;
use url::{Origin, Url};

use self::fields::Fields;
use super::context::Context;
use crate::api::{self, Call};
use crate::config::Profile;
use crate::error::{Code, Error};
use crate::http::{Method, Response};
use crate::providers::DataCenter;
use crate::providers::catalog::Product;
use crate::service::{Answer, Service, refusal_error};
use crate::untrusted::Untrusted;

/// Request bodies come from people and scripts; larger ones are mistakes.
const LARGEST_BODY: u64 = 64 * 1024 * 1024;

/// Call an API with a fresh token
///
/// Fields become the query of GET, HEAD and DELETE, and of a call with `--input`. Otherwise they become a JSON object, or a form where
/// `-H 'Content-Type: application/x-www-form-urlencoded'` asks for one. A call with fields is a POST unless a method is
/// named. `key[inner]=value` and `key[]=value` make objects and lists.
#[derive(Args)]
pub(super) struct Api {
    /// The method, unless it is GET, and the path below the API domain (or a full URL of this profile's hosts)
    #[arg(value_name = "[METHOD] PATH", required = true, num_args = 1..=2)]
    call: Vec<String>,
    /// The product whose host to call: `desk`, `crm`, …
    #[arg(long, value_name = "PRODUCT")]
    product: Option<String>,
    /// A header to send
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// A field whose value may be a number, `true`, `false`, `null`, or `@FILE`
    #[arg(short = 'F', long = "field", value_name = "KEY=VALUE")]
    fields: Vec<String>,
    /// A field whose value is text as it stands
    #[arg(short = 'f', long = "raw-field", value_name = "KEY=VALUE")]
    raw_fields: Vec<String>,
    /// The file with the body, `-` for stdin
    #[arg(long, value_name = "FILE")]
    input: Option<String>,
    /// Print the status and the headers of the answer before its body
    #[arg(short, long)]
    include: bool,
    /// End with 22 if the API answers 4xx or 5xx
    #[arg(long)]
    fail: bool,
    /// Print the curl command for this call, with the token hidden, and do not make it
    #[arg(long)]
    curl: bool,
}

impl Api {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let service = context.service()?;
        let profile = service.config.profile(context.flagged_profile()?.as_ref())?;
        // Read here, where a signal still ends a program that waits for a pipe.
        let given = Given::read(&self)?;
        if self.curl {
            let (data_center, dialect) = service.known_api_place(profile)?;
            let call = self.call(&given, &data_center, dialect.products)?;
            let origins: Vec<String> = data_center.origins().iter().map(Origin::ascii_serialization).collect();
            api::check(&call, &origins).map_err(|refusal| refusal_error("the call cannot be shown", &refusal))?;
            return context.output.text(&api::as_curl(&call, dialect));
        }
        let (call, answer) = context.interrupts.block_on(self.send(&service, profile, &given))?;
        self.print(context, &call, &answer)
    }

    async fn send(&self, service: &Service, profile: &Profile, given: &Given) -> Result<(Call, Answer), Error> {
        let (data_center, dialect) = service.api_place(profile).await?;
        let call = self.call(given, &data_center, dialect.products)?;
        let answer = service.call(profile, &call).await?;
        Ok((call, answer))
    }

    fn print(&self, context: &Context, call: &Call, answer: &Answer) -> Result<(), Error> {
        let status = answer.response.status;
        let mut bytes = if self.include { head(&answer.response).into_bytes() } else { Vec::new() };
        bytes.extend_from_slice(&answer.response.body);
        context.output.bytes(&bytes)?;
        let message = format!("{} {} answered HTTP {status}", call.method, call.url.path());
        let explained = answer.explained.as_ref();
        if self.fail && status >= 400 {
            let error = Error::new(Code::ApiStatus, message);
            return Err(explained.map_or(error.clone(), |explained| {
                error.because(&explained.text).likely(explained.diagnosis.causes_in_words())
            }));
        }
        if let Some(explained) = explained {
            context.output.note(&format!("{message}: {}", explained.text));
        }
        Ok(())
    }

    /// What the arguments ask for.
    fn call(&self, given: &Given, data_center: &DataCenter, products: &[Product]) -> Result<Call, Error> {
        let usage = |problem: String| Error::new(Code::Usage, "the call cannot be made").because(problem);
        let Given { fields, input } = given;
        let has_body = input.is_some() || !fields.is_empty();
        let (method, path) = match self.call.as_slice() {
            [method, path] => (method.parse().map_err(usage)?, path),
            [path, ..] => (if has_body { Method::Post } else { Method::Get }, path),
            [] => return Err(usage("a path is missing".to_owned())),
        };
        let mut url = api::resolve(path, self.product.as_deref(), data_center, products)
            .map_err(|refusal| refusal_error("the call cannot be made", &refusal))?;
        let mut headers = self.headers.iter().map(|header| read_header(header)).collect::<Result<Vec<_>, _>>()?;
        let body = match input {
            Some(input) => {
                fields.add_to_query(&mut url);
                input.clone()
            }
            None if matches!(method, Method::Get | Method::Head | Method::Delete) => {
                fields.add_to_query(&mut url);
                Vec::new()
            }
            None if fields.is_empty() => Vec::new(),
            None if content_type(&headers).is_some_and(is_form) => form(fields),
            None => fields.to_json()?,
        };
        if !body.is_empty() && content_type(&headers).is_none() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        Ok(Call { method, url, headers, body })
    }
}

/// What the arguments name and has to be read from elsewhere.
struct Given {
    fields: Fields,
    input: Option<Vec<u8>>,
}

impl Given {
    fn read(api: &Api) -> Result<Self, Error> {
        let fields = Fields::read(&api.fields, &api.raw_fields)?;
        Ok(Self { fields, input: api.input.as_deref().map(read_input).transpose()? })
    }
}

fn form(fields: &Fields) -> Vec<u8> {
    // The serializer of an address knows the form's rules; the address itself is of no interest.
    let mut url = Url::parse("data:,").expect("the text is an address");
    fields.add_to_query(&mut url);
    url.query().unwrap_or_default().as_bytes().to_vec()
}

fn content_type(headers: &[(String, String)]) -> Option<&str> {
    let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    found.map(|(_, value)| value.as_str())
}

fn is_form(content_type: &str) -> bool {
    content_type.trim().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
}

fn read_header(header: &str) -> Result<(String, String), Error> {
    let (name, value) = header.split_once(':').ok_or_else(|| {
        // What follows could be private, so it is not repeated.
        Error::new(Code::Usage, "a header given with `-H` cannot be read")
            .because("it has no colon")
            .hint("write `-H 'Name: value'`")
    })?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn read_input(input: &str) -> Result<Vec<u8>, Error> {
    let failed = |error: std::io::Error| {
        let source = if input == "-" { "stdin" } else { input };
        Error::new(Code::Usage, format!("the body could not be read from {source}")).because(error)
    };
    let mut body = Vec::new();
    if input == "-" {
        std::io::stdin().lock().take(LARGEST_BODY + 1).read_to_end(&mut body).map_err(failed)?;
    } else {
        let file = std::fs::File::open(input).map_err(failed)?;
        file.take(LARGEST_BODY + 1).read_to_end(&mut body).map_err(failed)?;
    }
    if body.len() as u64 > LARGEST_BODY {
        return Err(failed(std::io::Error::other("it is larger than 64 MiB")));
    }
    Ok(body)
}

fn head(response: &Response) -> String {
    let mut lines = vec![format!("HTTP {}", response.status)];
    let line = |(name, value): &(String, String)| format!("{name}: {}", Untrusted::new(value.as_str()).line());
    lines.extend(response.headers.iter().map(line));
    lines.join("\n") + "\n\n"
}
