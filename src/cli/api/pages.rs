//! `api --paginate`: a list that an API gives in pages, one after another. Of a page stays what leads to the next.

use super::bar::Bar;
use super::writer::{Layout, Place, Writer};
use super::{Api, saved, unless_gone, unsaved};
use crate::api::paging::{Page, Trail};
use crate::api::{self, Call, Diagnosis};
use crate::cli::context::Context;
use crate::cli::output::unwritten;
use crate::cli::words;
use crate::config::Profile;
use crate::error::{Code, Error};
use crate::files::Replacement;
use crate::http::charset::{Charset, Decoder};
use crate::http::progress::Progress;
use crate::providers::answers::paging::{self, Paging, Repetition};
use crate::secret::Secret;
use crate::service::{Explained, OpenAnswer, Service};

/// Asks for all pages and passes them on. What was passed on by the time of a failure is whole pages, unless one breaks off.
pub(super) async fn exchange(
    api: &Api,
    context: &Context,
    service: &Service,
    profile: &Profile,
    (call, paging): (Call, Option<&'static Paging>),
    file: Option<Replacement>,
) -> Result<(), Error> {
    let place = match &file {
        Some(file) => Place::beside(file).map_err(|error| unsaved(file.target(), &file.what_stays(), &error))?,
        None => Place::Stdout(context.output.body()),
    };
    let layout = if api.slurp { Layout::Array } else { Layout::Lines };
    let writer = Writer::start(place, layout).map_err(|error| unwritten(&error))?;
    let progress = Progress::default();
    let bar = Bar::new(Some(&context.output).filter(|_| file.is_some()), &progress);
    let mut pages = Pages {
        api,
        context,
        service,
        profile,
        paging: paging.unwrap_or(&paging::LINK),
        call,
        writer,
        sent: None,
        trail: Trail::default(),
        number: 0,
        count: 0,
        is_amid: false,
    };
    let outcome = bar.beside(pages.follow(&progress)).await;
    let Pages { writer, count, is_amid, .. } = pages;
    bar.clear();
    // An array that was cut off amid a page is left open, so that nobody takes it for a whole one. One of which no page has
    // come is not begun: an empty list is an answer.
    let is_whole = !is_amid && (outcome.is_ok() || count > 0);
    let written = if is_whole { writer.finish().await } else { writer.break_off().await };
    match file {
        None => unless_gone(written).map_err(|error| unwritten(&error)).and(outcome)?,
        Some(file) => match outcome {
            Ok(()) => saved(written, file)?,
            Err(error) => return Err(error.adding(file.what_stays())),
        },
    }
    match paging {
        None if count == 1 => context.output.note(
            "This is one page: how this API gives lists in pages is not known, and no `Link` header leads on. Where \
             several products share an address, `--product` tells which one is called.",
        ),
        _ => context.output.note_to_person(&words::counted(count, "page")),
    }
    Ok(())
}

/// What helps where the pages lead nowhere.
const WITHOUT_PAGES: &str = "read it by a call without `--paginate`";

struct Pages<'a> {
    api: &'a Api,
    context: &'a Context,
    service: &'a Service,
    profile: &'a Profile,
    paging: &'static Paging,
    /// For the next page.
    call: Call,
    writer: Writer,
    /// The token with which the last page came: the next one may be asked for by another.
    sent: Option<Secret>,
    trail: Trail,
    /// Of the page that was asked for last, from 1.
    number: u64,
    /// Pages that were passed on.
    count: u64,
    /// The page that is passed on has not come whole.
    is_amid: bool,
}

impl Pages<'_> {
    /// Goes from page to page, up to the last one, or the first of which nothing can be written.
    async fn follow(&mut self, progress: &Progress) -> Result<(), Error> {
        match self.follow_on(progress).await {
            Ok(()) => Ok(()),
            // Pages name the next one, and a server can name in it what it was sent.
            Err(error) => {
                let known = self.service.secrets_of_calls(self.profile, self.sent.as_ref()).await;
                Err(error.without(&known))
            }
        }
    }

    async fn follow_on(&mut self, progress: &Progress) -> Result<(), Error> {
        while self.trail.go_to(&self.call.url) {
            let page = match self.page(progress).await {
                Ok(page) => page,
                Err(error) => return Err(self.telling_where(error).await),
            };
            let Some(page) = page else { return Ok(()) };
            let next = page.next(&self.call.url).map_err(|cause| self.stuck(&cause))?;
            let Some(next) = next else { return Ok(()) };
            self.call.url = next;
        }
        Err(self.stuck("the pages lead in a circle"))
    }

    /// Asks for one page and passes it on; `None` for one that is the end itself, and where nobody reads on.
    async fn page(&mut self, progress: &Progress) -> Result<Option<Page>, Error> {
        self.number += 1;
        let (service, product) = (self.service, self.api.product.as_deref());
        let mut answer = Box::pin(service.open_call(self.profile, &self.call, product, None, progress)).await?;
        if let Some(explained) = &mut answer.explained {
            service.name_missing_scope(self.profile, &self.call, product, explained).await;
        }
        if let Some(explained) = &answer.explained {
            return Err(self.failure(&answer, explained));
        }
        let status = answer.response.status;
        if !(200..300).contains(&status) {
            return Err(self.stuck(&format!("it was answered by HTTP {status}, which is no page")));
        }
        self.sent = Some(answer.token.clone());
        let mut page = Page::new(self.paging, &answer.response.headers);
        let needs_json = self.api.slurp || page.is_in_body();
        // A long page of which nobody wants to know anything is not read here.
        let is_read = self.api.slurp || page.reads_body();
        let mut decoder = Decoder::new(Charset::of(&answer.response).unwrap_or_default());
        if is_read {
            page.push(&decoder.push(&answer.response.body));
        }
        let is_empty = answer.response.body.is_empty();
        let is_whole = answer.is_whole();
        let is_json = if is_whole { page.end() } else { page.is_json() };
        if needs_json && !is_empty && !is_json {
            let cause = "it is no JSON, so that it can neither be put into an array nor tell where the list goes on";
            return Err(self.stuck(cause));
        }
        if !is_empty && !self.trail.arrive(&answer.response.body) {
            match self.paging.repetition() {
                Repetition::Chance => {}
                Repetition::End => return Ok(None),
                Repetition::Circle => return Err(self.stuck("it is the same as the one before")),
            }
        }
        // An array has no element for a page without a body.
        if !(self.api.slurp && is_empty) {
            self.is_amid = true;
            let goes_on = self
                .api
                .write(self.context, &mut answer, &mut self.writer, |piece| {
                    if is_read {
                        page.push(&decoder.push(piece));
                    }
                })
                .await?;
            self.is_amid = !is_whole && needs_json && !page.end();
            if self.is_amid && goes_on {
                return Err(self.stuck("it begins as JSON and does not end as such"));
            }
            self.is_amid = false;
            self.count += 1;
            if !goes_on {
                return Ok(None);
            }
        }
        Ok(Some(page))
    }

    /// A page that failed is none: what it is for is not in it.
    fn failure(&self, answer: &OpenAnswer<'_>, explained: &Explained) -> Error {
        let code = match explained.diagnosis {
            Diagnosis::RateLimited => Code::RateLimited,
            _ if self.api.fail => Code::ApiStatus,
            _ => Code::Other,
        };
        let message = format!("{} answered HTTP {}", self.place(), answer.response.status);
        Error::new(code, message)
            .because(&explained.meaning)
            .likely(explained.causes.clone())
            .advise(explained.next.clone())
    }

    fn stuck(&self, cause: &str) -> Error {
        let message = format!("{} does not lead on", self.place());
        Error::new(Code::Other, message).because(cause).advise(WITHOUT_PAGES)
    }

    fn place(&self) -> String {
        format!("page {}, GET {},", self.number, self.call.url.path())
    }

    /// What came before a failure, and where somebody may go on. A place to which no token goes is no such place, and no
    /// advice makes it one: the server has named it, and not the person.
    async fn telling_where(&self, error: Error) -> Error {
        let is_refused = self.number > 1 && self.leads_astray().await;
        let error = if is_refused { error.advise_only(WITHOUT_PAGES) } else { error };
        if self.count == 0 {
            return error;
        }
        let error = error.adding(format!("{} came before it", words::counted(self.count, "page")));
        if is_refused {
            return error;
        }
        // What helps with all failures of the kind stays.
        let helps = error.what_helps();
        Error { advice: helps, ..error }.advise(format!("the list goes on at {}", self.call.url))
    }

    /// Whether the next page is at a place to which the profile's token does not go.
    async fn leads_astray(&self) -> bool {
        let place = self.service.api_place(self.profile).await;
        place.is_ok_and(|(place, _)| api::check(&self.call, &place.origins()).is_err())
    }
}
