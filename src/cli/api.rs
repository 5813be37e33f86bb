//! `api`: one call with a fresh token. Fields make the query or the body, as users of `gh api` expect; bodies stream both ways.

mod bar;
mod fields;
mod pages;
mod writer;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use clap::Args;

use self::bar::Bar;
use self::fields::Fields;
use self::writer::{Layout, Place, Writer};
use super::context::Context;
use super::output::{Page, unwritten};
use crate::api::{self, Call, Diagnosis};
use crate::config::Profile;
use crate::error::{Advice, Code, Error};
use crate::files::{self, Replacement};
use crate::http::charset::{Charset, Decoder};
use crate::http::multipart::{MULTIPART, NoPart, Part, multipart, promised_type};
use crate::http::progress::Progress;
use crate::http::source::Source;
use crate::http::upload::Upload;
use crate::http::{JUDGED_BYTES, Method, header_in, reason};
use crate::json::Check;
use crate::providers::DataCenter;
use crate::providers::catalog::Product;
use crate::service::{self, OpenAnswer, Service, TypedBody, refusal_error, unreadable};
use crate::untrusted::Untrusted;

const EXAMPLES: &str = "\
Examples:
  device-login api '/crm/v8/users?type=CurrentUser'
  device-login api --product desk '/api/v1/tickets?limit=10'
  device-login api PUT /crm/v8/Leads/42 --input lead.json --fail
  device-login api --paginate --slurp '/crm/v8/Leads?fields=Last_Name'";

const NOT_MADE: &str = "the call cannot be made";
const NAME_THE_METHOD: &str =
    "fields, a form or an input make a POST of a call: name another method before the path, as in `api GET PATH`";

/// Call an API with a fresh token
///
/// Fields become the query of GET, HEAD and DELETE, and of a call with `--input` or `--form`. Otherwise they become a JSON object, or a
/// form where `-H 'Content-Type: application/x-www-form-urlencoded'` asks for one. A call with fields, a form or an input is
/// a POST unless a method is named. `key[inner]=value` and `key[]=value` make objects and lists.
///
/// Bodies are read and written piece by piece, both ways, however long they are. A call ends when no byte has moved for a
/// minute. An answer that calls itself JSON and is none is told as such, up to 16 MB of it.
///
/// `--paginate` asks for page after page of a list and prints each as it comes. A page that fails, or may not be asked for
/// any more, is not printed: the command ends with 22 (`--fail`), 10 or 1, and tells where the list goes on.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Api {
    /// The method, unless it is GET, and the path below the API domain (or a full URL of this profile's hosts)
    #[arg(value_name = "[METHOD] PATH", required = true, num_args = 1..=2)]
    call: Vec<String>,
    /// As curl has it
    #[arg(short = 'X', long = "request", value_name = "METHOD", hide = true)]
    request: Option<String>,
    /// The product whose host to call: `desk`, `crm` and others
    #[arg(long, value_name = "PRODUCT")]
    product: Option<String>,
    /// A header to send
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// A field whose value may be a number, `true`, `false`, `null`, `@FILE`, or `@-` for stdin
    #[arg(short = 'F', long = "field", value_name = "KEY=VALUE")]
    fields: Vec<String>,
    /// A field whose value is text as it stands
    #[arg(short = 'f', long = "raw-field", value_name = "KEY=VALUE")]
    raw_fields: Vec<String>,
    /// A part of a form with files, as curl's `-F`: `name=@FILE`, `name=text`; then `;type=` and `;filename=`
    #[arg(long = "form", value_name = "NAME=@FILE", conflicts_with = "input")]
    form: Vec<String>,
    /// The file with the body, `-` for stdin; JSON, unless the ending of its name or `-H` says otherwise
    #[arg(long, value_name = "FILE")]
    input: Option<String>,
    /// Write the answer to this file once it has come whole, `-` for stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print the status and the headers of the answer before its body
    #[arg(short, long)]
    include: bool,
    /// Print no body
    #[arg(long)]
    silent: bool,
    /// Follow a list to its end, page by page, in the product's own way or by the header `Link`
    #[arg(long)]
    paginate: bool,
    /// Make one JSON array of all pages
    #[arg(long)]
    slurp: bool,
    /// End with 22 if the API answers 4xx or 5xx, or says in its answer that the call failed
    #[arg(long)]
    fail: bool,
    /// Print the curl command for this call, with the token hidden, and do not make it
    #[arg(long)]
    curl: bool,
}

impl Api {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        self.check_combination()?;
        let service = context.service()?;
        let profile = service.config.profile(context.flagged_profile()?.as_ref())?;
        self.check_product(service.config.provider(profile)?.dialect().products())?;
        // Read here, where a signal still ends a program that waits for a pipe.
        let given = Given::read(&self)?;
        if self.curl {
            let (data_center, dialect) = service.known_api_place(profile)?;
            let call = self.call(&given, &data_center, dialect.products())?;
            api::check(&call, &data_center.origins())
                .map_err(|refusal| refusal_error("the call cannot be shown", &refusal))?;
            let (call, body) = given.typed().for_curl(&call);
            return context.output.text(&api::as_curl(&call, &body, dialect));
        }
        let body = given.body()?;
        let file = self.replacement(context, &service)?;
        context.interrupts.block_on(Box::pin(self.exchange(context, &service, profile, (given, body), file)))
    }

    /// Makes the call and passes its answer on.
    async fn exchange(
        &self,
        context: &Context,
        service: &Service,
        profile: &Profile,
        (given, body): (Given, Option<Body>),
        file: Option<Replacement>,
    ) -> Result<(), Error> {
        let (data_center, dialect) = service.api_place(profile).await?;
        let mut call = self.call(&given, &data_center, dialect.products())?;
        if self.paginate {
            let paging = service::paging(&data_center, dialect, &call.url, self.product.as_deref());
            return pages::exchange(self, context, service, profile, (call, paging), file).await;
        }
        let upload = body.map(|body| body.into_upload(&mut call.headers));
        let progress = Progress::default();
        // Into a pipe there goes no bar: its reader may have the terminal.
        let is_awaited = upload.is_some() || file.is_some();
        let bar = Bar::new(Some(&context.output).filter(|_| is_awaited), &progress);
        let mut answer = Box::pin(bar.beside(service.open_call(
            profile,
            &call,
            self.product.as_deref(),
            upload.as_ref(),
            &progress,
        )))
        .await?;
        let status = answer.response.status;
        let message = format!("{} {} answered HTTP {status}", call.method, call.url.path());
        if let Some(explained) = &mut answer.explained {
            service.name_missing_scope(profile, &call, self.product.as_deref(), explained).await;
            if given.method.is_none() && call.method == Method::Post && is_about_method(status, &explained.meaning) {
                explained.next = NAME_THE_METHOD.into();
            }
        }
        let failure = self.failure(&answer, &message);
        let passed_on = match (file, failure) {
            (Some(file), None) => bar.beside(self.save(context, &bar, &mut answer, file)).await,
            (Some(file), Some(failure)) => return Err(failure.adding(file.what_stays())),
            (None, failure) => {
                bar.clear();
                let printed = self.print(context, &bar, &mut answer).await;
                failure.map_or(Ok(()), Err)?;
                printed
            }
        };
        bar.clear();
        if let Some(explained) = &answer.explained {
            context.output.note(&format!(
                "{message}: {}",
                format_args!("{}: {}", explained.meaning, context.output.program.said(&explained.next))
            ));
        } else if answer.response.body.is_empty() && !self.include {
            context.output.note_to_person(&emptiness(call.method, status));
        }
        passed_on
    }

    /// What `--fail` makes of an answer. In any case scripts hear of one that asks for fewer calls, since whoever goes on calling
    /// makes that last longer, and of one that no token of this sign-in changes any more.
    fn failure(&self, answer: &OpenAnswer, message: &str) -> Option<Error> {
        let explained = answer.explained.as_ref()?;
        let code = match explained.diagnosis {
            Diagnosis::RateLimited => Code::RateLimited,
            Diagnosis::Redirected => return None,
            _ if self.fail => Code::ApiStatus,
            _ => explained.unreplaced.filter(|code| matches!(code, Code::SignInNeeded | Code::RateLimited))?,
        };
        let error = Error::new(code, message).because(&explained.meaning).likely(explained.causes.clone());
        Some(error.advise(explained.next.clone()))
    }

    async fn print(&self, context: &Context, bar: &Bar<'_>, answer: &mut OpenAnswer<'_>) -> Result<(), Error> {
        let written = self.pass_on(context, bar, answer, Place::Stdout(context.output.body())).await?;
        unless_gone(written).map_err(|error| unwritten(&error))
    }

    async fn save(
        &self,
        context: &Context,
        bar: &Bar<'_>,
        answer: &mut OpenAnswer<'_>,
        file: Replacement,
    ) -> Result<(), Error> {
        let place = Place::beside(&file).map_err(|error| unsaved(file.target(), &file.what_stays(), &error))?;
        let written =
            self.pass_on(context, bar, answer, place).await.map_err(|error| error.adding(file.what_stays()))?;
        saved(written, file)
    }

    /// Hands the whole answer to a writer. The outer error is the answer's, the inner one the writer's.
    async fn pass_on(
        &self,
        context: &Context,
        bar: &Bar<'_>,
        answer: &mut OpenAnswer<'_>,
        place: Place,
    ) -> Result<std::io::Result<()>, Error> {
        let mut writer = match Writer::start(place, Layout::Lines) {
            Ok(writer) => writer,
            Err(error) => return Ok(Err(error)),
        };
        let mut check = Some(Check::default()).filter(|_| answer.response.is_whole_json() && !self.silent);
        let mut decoder = Decoder::new(Charset::of(&answer.response).unwrap_or_default());
        let mut read = |piece: &[u8]| {
            if let Some(check) = &mut check {
                check.push(&decoder.push(piece));
            }
        };
        read(&answer.response.body);
        match self.write(context, answer, &mut writer, read).await {
            Ok(is_whole) => {
                let written = writer.finish().await;
                if let Some(fault) = check.filter(|_| is_whole).and_then(Check::fault) {
                    bar.clear();
                    context.output.warn(&[format!("the answer calls itself JSON and is none: {fault}")]);
                }
                Ok(written)
            }
            Err(error) => {
                // What keeps the answer from being written counts less than what keeps it from coming.
                let _ = writer.break_off().await;
                Err(error)
            }
        }
    }

    /// Hands an answer to a writer and to whoever reads it beside. Ends early where nothing can be written any more, and
    /// tells so. What is no text goes to a terminal only where `-o -` asks for that.
    async fn write(
        &self,
        context: &Context,
        answer: &mut OpenAnswer<'_>,
        writer: &mut Writer,
        mut read: impl FnMut(&[u8]),
    ) -> Result<bool, Error> {
        let (charset, judged) = (Charset::of(&answer.response), &answer.response.body);
        let judged = &judged[..judged.len().min(JUDGED_BYTES)];
        let is_shown = writer.is_for_terminal && !self.silent;
        if let Err(label) = charset
            && is_shown
            && !judged.is_ascii()
        {
            let label = Untrusted::new(label).line();
            context.output.warn(&[format!("the answer is in `{label}`, which is shown as if it were UTF-8")]);
        }
        let charset = charset.unwrap_or_default();
        let is_refused = is_shown && self.output.is_none() && charset.is_binary(judged);
        // An array of all pages is one text.
        let mut decoder = Decoder::new(if self.slurp { charset } else { Charset::Utf8 });
        let charset = if self.slurp { Charset::Utf8 } else { charset };
        let mut shown = |bytes: Vec<u8>| match decoder.push(&bytes) {
            _ if self.silent || is_refused => Vec::new(),
            Cow::Owned(text) => text,
            Cow::Borrowed(_) => bytes,
        };
        let (beginning, is_whole) = (shown(answer.response.body.clone()), answer.is_whole());
        let head = if self.include { head(answer) } else { String::new() };
        let mut goes_on = writer.begin(Page { head, beginning, is_whole, charset }).await;
        if is_refused {
            return Err(Error::new(Code::Other, "the answer was not printed")
                .because("it is binary, and would be no more than noise on a terminal")
                .advise("save it with `-o FILE`, or have it printed all the same with `-o -`"));
        }
        while goes_on && let Some(piece) = answer.more().await? {
            read(&piece);
            goes_on = writer.write(shown(piece)).await;
        }
        Ok(goes_on)
    }

    /// The file that `-o` names, unless that is stdout, which nobody opens anew: what had been written there would be written
    /// over.
    fn output_file(&self) -> Option<&PathBuf> {
        const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
        self.output.as_ref().filter(|path| !STDOUT.iter().any(|stdout| path.as_os_str() == *stdout))
    }

    /// Begins with the file for the answer, so that what cannot be written is told before anything is sent.
    fn replacement(&self, context: &Context, service: &Service) -> Result<Option<Replacement>, Error> {
        let Some(path) = self.output_file() else { return Ok(None) };
        let refused = |cause: String| {
            Error::new(Code::Usage, format!("the answer cannot be written to {}", path.display()))
                .because(cause)
                .advise("nothing was sent; name another file with `-o`")
        };
        if context.own_places(&service.config)?.has(path) {
            return Err(refused("this program keeps its configuration, its key or its records there".to_owned()));
        }
        let tell = || context.output.note(&format!("Waiting for somebody to read the pipe {}.", path.display()));
        Replacement::begin(path, tell).map(Some).map_err(|error| refused(error.to_string()))
    }

    /// Refuses what cannot be had together.
    fn check_combination(&self) -> Result<(), Error> {
        let named_method = self.call.get(1).and(self.call.first()).filter(|method| !method.eq_ignore_ascii_case("get"));
        let has_body = self.input.is_some() || !self.form.is_empty();
        let refused: [(bool, &str, &str); 8] = [
            (
                self.request.is_some(),
                "`-X` is an option of curl's",
                "write the method before the path: `device-login api POST PATH`",
            ),
            (
                self.slurp && !self.paginate,
                "`--slurp` puts pages into one array, and without `--paginate` there is one answer",
                "add `--paginate`, or leave `--slurp` out",
            ),
            (
                self.slurp && self.include,
                "`--slurp` makes one array, which has no place for the headers that `--include` prints",
                "leave one of them out",
            ),
            (
                self.slurp && self.silent,
                "`--silent` prints none of what `--slurp` puts together",
                "leave one of them out",
            ),
            (
                self.silent && self.output.is_some(),
                "`--silent` drops the body, and `-o` names the file for it",
                "leave one of them out",
            ),
            (
                self.paginate && self.curl,
                "`--curl` prints one call, and pages are as many calls as the list is long",
                "leave `--paginate` out for the call of the first page",
            ),
            (
                self.paginate && has_body,
                "pages are asked for by GET, which has no body",
                "give fields, which go into the query",
            ),
            (
                self.paginate && named_method.is_some(),
                "pages are asked for by GET: another call is not made again for each of them",
                "leave the method out",
            ),
        ];
        match refused.iter().find(|(is_given, ..)| *is_given) {
            Some((_, cause, hint)) => Err(Error::new(Code::Usage, NOT_MADE).because(cause).advise(*hint)),
            None => Ok(()),
        }
    }

    fn path(&self) -> &str {
        self.call.last().map(String::as_str).unwrap_or_default()
    }

    fn check_product(&self, products: &[Product]) -> Result<(), Error> {
        let known = self.product.as_deref().map_or(Ok(()), |name| api::named_product(name, products).map(drop));
        known.map_err(|refusal| refusal_error(NOT_MADE, &refusal))
    }

    /// What the arguments ask for.
    fn call(&self, given: &Given, data_center: &DataCenter, products: &[Product]) -> Result<Call, Error> {
        let Given { method, headers, fields, input, form } = given;
        let has_other_body = input.is_some() || !form.is_empty();
        let method = match method {
            Some(method) => *method,
            None if !self.paginate && (has_other_body || !fields.is_empty()) => Method::Post,
            None => Method::Get,
        };
        let mut url = api::resolve(self.path(), self.product.as_deref(), data_center, products)
            .map_err(|refusal| refusal_error(NOT_MADE, &refusal))?;
        let mut headers = headers.clone();
        let goes_to_query = has_other_body || matches!(method, Method::Get | Method::Head | Method::Delete);
        let body = match () {
            () if goes_to_query => {
                fields.add_to_query(&mut url);
                Vec::new()
            }
            () if fields.is_empty() => Vec::new(),
            () if header_in(&headers, "content-type").is_some_and(is_form) => fields.to_form(),
            () => fields.to_json()?,
        };
        if (!body.is_empty() || input.is_some()) && header_in(&headers, "content-type").is_none() {
            let promised = input.as_ref().and_then(|source| promised_type(&source.file_name()));
            headers.push(("content-type".to_owned(), promised.unwrap_or("application/json").to_owned()));
        }
        Ok(Call { method, url, headers, body })
    }
}

/// What keeps the answer from a file that was named for it.
fn unsaved(target: &Path, stays: &str, error: &std::io::Error) -> Error {
    let message = format!("the answer could not be written to {}", target.display());
    Error::new(Code::Other, message).because(error).adding(stays).advise(files::advice(error))
}

/// Puts the file in its place, if all was written.
fn saved(written: std::io::Result<()>, file: Replacement) -> Result<(), Error> {
    let (target, stays) = (file.target().to_owned(), file.what_stays());
    unless_gone(written).and_then(|()| file.finish()).map_err(|error| unsaved(&target, &stays, &error))
}

/// A reader that went away is no error.
fn unless_gone(written: std::io::Result<()>) -> std::io::Result<()> {
    written.or_else(|error| if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

/// The arguments as they are read, and what they name elsewhere.
struct Given {
    /// `None` where it follows from the rest.
    method: Option<Method>,
    headers: Vec<(String, String)>,
    fields: Fields,
    input: Option<Source>,
    form: Vec<Part>,
}

/// A body that is read while it is sent.
enum Body {
    Input(Upload),
    /// With its media type.
    Form(Upload, String),
}

impl Given {
    fn read(api: &Api) -> Result<Self, Error> {
        let form = api.form.iter().map(|part| Part::parse(part)).collect::<Result<Vec<_>, _>>().map_err(no_part)?;
        let input = api.input.as_deref().map(Source::named);
        let readers = api.fields.iter().filter(|field| fields::reads_stdin(field)).count()
            + form.iter().filter(|part| part.source() == Some(&Source::Stdin)).count()
            + usize::from(input == Some(Source::Stdin));
        if readers > 1 {
            return Err(Error::new(Code::Usage, NOT_MADE)
                .because("stdin is named more than once, and can be read once only")
                .advise("write all but one of them to a file"));
        }
        let headers = (1..)
            .zip(&api.headers)
            .map(|(number, header)| read_header(number, header))
            .collect::<Result<Vec<_>, _>>()?;
        api::check_headers(&headers)
            .and_then(|()| api::whole_address(api.path()).map(drop))
            .map_err(|refusal| refusal_error(NOT_MADE, &refusal))?;
        let is_other = |given: &str| !given.to_ascii_lowercase().starts_with(MULTIPART);
        if !form.is_empty() && header_in(&headers, "content-type").is_some_and(is_other) {
            return Err(Error::new(Code::Usage, NOT_MADE)
                .because("`--form` makes `multipart/form-data`, and another `Content-Type` was given")
                .advise("leave that header out"));
        }
        Ok(Self {
            method: method(&api.call)?,
            headers,
            fields: Fields::read(&api.fields, &api.raw_fields)?,
            input,
            form,
        })
    }

    /// The body as the screens have it.
    fn typed(&self) -> TypedBody {
        match &self.input {
            Some(input) => TypedBody::File(input.clone()),
            None if self.form.is_empty() => TypedBody::AsItStands,
            None => TypedBody::Form(self.form.clone()),
        }
    }

    fn body(&self) -> Result<Option<Body>, Error> {
        if let Some(input) = &self.input {
            return Ok(Some(Body::Input(Upload::new(vec![input.open().map_err(unreadable)?]))));
        }
        if self.form.is_empty() {
            return Ok(None);
        }
        let (upload, media_type) = multipart(&self.form).map_err(unreadable)?;
        Ok(Some(Body::Form(upload, media_type)))
    }
}

impl Body {
    /// The body, with the header that it needs.
    fn into_upload(self, headers: &mut Vec<(String, String)>) -> Upload {
        let (upload, media_type) = match self {
            Body::Input(upload) => return upload,
            Body::Form(upload, media_type) => (upload, media_type),
        };
        // A boundary that was given would not be the one in the body.
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        headers.push(("content-type".to_owned(), media_type));
        upload
    }
}

fn is_form(content_type: &str) -> bool {
    content_type.trim().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
}

/// The word before the path.
fn method(call: &[String]) -> Result<Option<Method>, Error> {
    let named = call.get(1).and(call.first()).map(|word| word.parse()).transpose();
    named.map_err(|problem: String| {
        let near = Advice::near(&call[0], Method::ALL.map(Method::as_str));
        let general = "the method comes before the path; a profile is named by `-p`".into();
        Error::new(Code::Usage, NOT_MADE).because(problem).advise(near.unwrap_or(general))
    })
}

fn no_part(why: NoPart) -> Error {
    let error = Error::new(Code::Usage, "a part of the form cannot be used").because(why);
    if why == NoPart::NoName { error.advise("write `--form name=@FILE` or `--form name=text`") } else { error }
}

/// Reads the header that is given by the `-H` of this number.
fn read_header(number: usize, header: &str) -> Result<(String, String), Error> {
    let (name, value) = header.split_once(':').ok_or_else(|| {
        // What it says could be private, so it is not repeated.
        Error::new(Code::Usage, format!("header {number} of those given with `-H` cannot be read"))
            .because("it has no colon")
            .advise("write `-H 'Name: value'`")
    })?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn head(answer: &OpenAnswer<'_>) -> String {
    let mut lines = vec![answer.status_line()];
    let line = |(name, value): &(String, String)| format!("{name}: {}", Untrusted::new(value.as_str()).line());
    lines.extend(answer.response.sent_headers().map(line));
    lines.join("\n") + "\n\n"
}

/// Whether an answer refuses the method of a call: by its status, or by a word for that, such as `INVALID_REQUEST_METHOD`.
fn is_about_method(status: u16, meaning: &str) -> bool {
    status == 405 || (400..500).contains(&status) && meaning.to_ascii_lowercase().contains("method")
}

/// What is said in place of a body.
fn emptiness(method: Method, status: u16) -> String {
    let said = format!("{status} {}", reason(status));
    let said = said.trim_end();
    let has_no_body = method == Method::Head || matches!(status, 204 | 205 | 304);
    if has_no_body { said.to_owned() } else { format!("{said}, with an empty body") }
}

#[cfg(test)]
mod tests {
    use super::is_about_method;

    #[test]
    fn a_method_is_refused_by_a_status_or_in_words() {
        for (status, meaning, is_refused) in [
            (405, "", true),
            (400, "the API said INVALID_REQUEST_METHOD (The http request method type is not a valid one)", true),
            (404, "Method not allowed", true),
            (400, "INVALID_DATA", false),
            (500, "no such method", false),
        ] {
            assert_eq!(is_about_method(status, meaning), is_refused, "{status} {meaning}");
        }
    }
}
