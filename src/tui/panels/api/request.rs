//! The person's own request: a form of method, address, query, headers and body, and the call that it describes.

use url::form_urlencoded::{byte_serialize, parse};

use crate::api::{self, Call, Refusal};
use crate::http::multipart::{MULTIPART, is_bare_form};
use crate::http::{Method, header_in};
use crate::providers::DataCenter;
use crate::service::{TestCalls, TypedBody};
use crate::tui::keymap::{Command, Key};
use crate::tui::widgets::field::Field;
use crate::untrusted::visible;

/// A request as typed.
#[derive(Clone, Debug)]
pub(super) struct RequestForm {
    pub(super) method: Method,
    /// What was typed or pasted for it since it was chosen otherwise: the beginning of its name, or no method at all.
    typed_method: String,
    pub(super) address: Field,
    /// One `name=value` a line, as a person reads it; encoded when it is sent.
    pub(super) query: Field,
    pub(super) headers: Field,
    pub(super) body: Field,
    pub(super) focus: Part,
    /// Why it could not be sent; until something is typed.
    pub(super) problem: Option<String>,
}

/// The parts of the form, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Method,
    Address,
    Query,
    Headers,
    Body,
}

impl Part {
    pub(super) const ALL: [Part; 5] = [Part::Method, Part::Address, Part::Query, Part::Headers, Part::Body];

    pub(super) fn name(self) -> &'static str {
        match self {
            Part::Method => "Method",
            Part::Address => "Address",
            Part::Query => "Query",
            Part::Headers => "Headers",
            Part::Body => "Body",
        }
    }

    /// What a person may want to know while it has the cursor.
    fn hint(self) -> String {
        match self {
            Part::Method => {
                "g GET, p POST, u PUT, a PATCH, d DELETE, h HEAD, or the whole word; or Left and Right.".to_owned()
            }
            Part::Address => "A path such as /crm/v8/org, or a whole address.".to_owned(),
            Part::Query => "One name=value a line; it is encoded when it is sent.".to_owned(),
            Part::Headers => "One `Name: value` a line. The program adds the token itself.".to_owned(),
            Part::Body => format!(
                "Sent as it stands; @PATH sends a file. JSON gets its type by itself; with `Content-Type: {MULTIPART}` each line \
                 is a part."
            ),
        }
    }

    fn neighbor(self, step: isize) -> Option<Part> {
        let at = Part::ALL.iter().position(|part| *part == self)?;
        Part::ALL.get(at.checked_add_signed(step)?).copied()
    }
}

/// Why a call as typed cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// What is to be corrected.
    pub(super) part: Part,
    pub(super) why: String,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let part = match refusal {
            Refusal::Authorization(_) | Refusal::Computed(_) | Refusal::NoHeader(_) | Refusal::NoHeaderValue(_) => {
                Part::Headers
            }
            _ => Part::Address,
        };
        Self { part, why: refusal.to_string() }
    }
}

/// What a key did to the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    Edited,
    /// The form is done and to be sent.
    Send,
    /// The form is left as it is.
    Leave,
}

impl Default for RequestForm {
    fn default() -> Self {
        Self {
            method: Method::Get,
            typed_method: String::new(),
            address: Field::new(""),
            query: Field::new(""),
            headers: Field::new(""),
            body: Field::new(""),
            focus: Part::Address,
            problem: None,
        }
    }
}

impl RequestForm {
    /// The form that describes `call`.
    pub(super) fn of(call: &Call) -> Self {
        let headers: Vec<String> = call.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let mut form = Self {
            method: call.method,
            address: Field::proposed(call.url.as_str()),
            headers: Field::new(&headers.join("\n")),
            body: Field::new(&String::from_utf8_lossy(&call.body)),
            ..Self::default()
        };
        form.take_query_out();
        form
    }

    /// The same with the path alone where it is one below the API domain.
    pub(super) fn at(mut self, data_center: &DataCenter) -> Self {
        let address = self.address.text();
        let domain = data_center.api_domain.as_ref().filter(|domain| domain.path() == "/");
        let path = domain.and_then(|domain| address.strip_prefix(&domain.origin().ascii_serialization()));
        if let Some(path) = path.filter(|path| path.starts_with('/') && !path.starts_with("//")) {
            self.address = Field::proposed(path);
        }
        self
    }

    /// Proposes the address that was typed: another one that is typed or pasted takes its place.
    pub(super) fn propose_address(&mut self) {
        self.address = Field::proposed(&self.address.text());
    }

    pub(super) fn is_blank(&self) -> bool {
        self.address.text().trim().is_empty()
    }

    /// Whether it has what a person typed: it is neither empty nor one of the known calls as it stands.
    pub(super) fn is_typed(&self, known: &TestCalls) -> bool {
        let said =
            |form: &Self| (form.method, [&form.address, &form.query, &form.headers, &form.body].map(Field::text));
        let mut forms = known.calls.iter().map(|entry| Self::of(&entry.call).at(&known.data_center));
        said(self) != said(&Self::default()) && !forms.any(|form| said(&form) == said(self))
    }

    /// The call as typed, unless it is known before it is sent that it would be refused.
    pub(super) fn call_here(&self, known: &TestCalls) -> Result<Call, Refused> {
        let call = self.call(&known.data_center)?;
        match api::check(&call, &known.data_center.origins()) {
            // Once that is refused, a key sends it to the account's own data center.
            Err(Refusal::ForeignOrigin(_)) if known.moved_here(&call.url).is_some() => Ok(call),
            checked => Ok(checked.map(|()| call)?),
        }
    }

    /// The call as typed. Nothing is added to it but the type of a body that is JSON or a file.
    pub(super) fn call(&self, data_center: &DataCenter) -> Result<Call, Refused> {
        if begun(&self.typed_method).is_none() {
            let why = self.typed_method.parse::<Method>().err().unwrap_or_default();
            return Err(Refused { part: Part::Method, why });
        }
        let address = self.address.text();
        let mut url = api::resolve(address.trim(), None, data_center, &[])?;
        let query = self.query.text();
        let typed = query.lines().filter(|line| !line.trim().is_empty()).map(encoded);
        let parameters: Vec<String> = url.query().map(str::to_owned).into_iter().chain(typed).collect();
        if !parameters.is_empty() {
            url.set_query(Some(&parameters.join("&")));
        }
        let mut headers = Vec::new();
        for line in self.headers.text().lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or_else(|| Refusal::NoHeader(line.to_owned()))?;
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        let body = self.body.text();
        let has_type = header_in(&headers, "content-type").is_some();
        if !has_type && !body.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let mut call = Call { method: self.method, url, headers, body: body.into_bytes() };
        let typed = TypedBody::of(&call).map_err(|why| Refused { part: Part::Body, why: why.to_string() })?;
        if let Some(media_type) = typed.media_type().filter(|_| !has_type) {
            call.headers.push(("content-type".to_owned(), media_type.to_owned()));
        }
        Ok(call)
    }

    /// What a person may want to know of the part with the cursor.
    pub(super) fn hint(&self) -> String {
        match self.focus {
            Part::Method if begun(&self.typed_method).is_none() => {
                "No method begins like that: Ctrl-U empties it, Left and Right choose one.".to_owned()
            }
            Part::Address if self.address.is_proposed() => "Typing replaces the address, Right edits it.".to_owned(),
            Part::Body if self.is_form() => {
                "A part a line: name=text or name=@FILE, then ;type= and ;filename=.".to_owned()
            }
            part => part.hint(),
        }
    }

    /// The command that sends it, the shortest key first: in parts of several lines Enter breaks them.
    pub(super) fn sent_by(&self) -> Command {
        match self.focus {
            Part::Method | Part::Address => Command::Choose,
            Part::Query | Part::Headers | Part::Body => Command::SendForm,
        }
    }

    /// Whether the headers make each line of the body a part of a form.
    fn is_form(&self) -> bool {
        let headers = self.headers.text();
        let mut headers = headers.lines().filter_map(|line| line.split_once(':'));
        headers.any(|(name, value)| name.trim().eq_ignore_ascii_case("content-type") && is_bare_form(value))
    }

    /// What is wrong with a body that begins like JSON and is none. It may be sent all the same.
    pub(super) fn warning(&self) -> Option<String> {
        let body = self.body.text();
        if !body.trim_start().starts_with(['{', '[']) {
            return None;
        }
        let error = serde_json::from_str::<serde::de::IgnoredAny>(&body).err()?;
        Some(format!("The body is no JSON: line {}, column {}.", error.line(), error.column()))
    }

    /// What may be meant otherwise than it is sent.
    pub(super) fn notes(&self) -> Vec<String> {
        let query = self.query.text();
        let is_bare = |line: &&str| !line.is_empty() && !line.starts_with('?') && !line.contains('=');
        let bare = query.lines().map(str::trim).find(is_bare);
        let bare = bare.map(|line| format!("`{line}` has no `=`: it is sent as a name without a value."));
        let whole = query.lines().map(str::trim).find(|line| is_query(line));
        let whole = whole.map(|line| format!("`{line}` is sent as one parameter: give each a line of its own."));
        let method = begun(&self.typed_method).map(|_| self.method);
        let has_odd_body = matches!(method, Some(Method::Get | Method::Head)) && !self.body.text().is_empty();
        let body = has_odd_body.then(|| format!("{} usually has no body; some servers ignore it.", self.method));
        let address = self.address.text();
        let second = second_address(&address);
        let second = second.map(|second| format!("`{second}` is sent as a part of the path."));
        bare.into_iter().chain(whole).chain(body).chain(second).collect()
    }

    /// Does what the person asked for.
    pub(super) fn run(&mut self, command: Command) -> Pressed {
        let before = self.focus;
        if matches!(command, Command::Choose | Command::SendForm | Command::Back) {
            self.problem = None;
        }
        match (self.focus, command) {
            (_, Command::NextPane) => self.focus = self.focus.neighbor(1).unwrap_or(Part::Method),
            (_, Command::PreviousPane) => self.focus = self.focus.neighbor(-1).unwrap_or(Part::Body),
            (_, Command::Up) => self.step_line(-1),
            (_, Command::Down) => self.step_line(1),
            (_, Command::Back) => return Pressed::Leave,
            (_, Command::SendForm) | (Part::Method | Part::Address, Command::Choose) => return Pressed::Send,
            (Part::Query | Part::Headers | Part::Body, Command::Choose) => {
                if let Some(field) = self.field_mut() {
                    field.break_line();
                }
            }
            _ => {}
        }
        if self.focus != before {
            self.take_query_apart(before);
            if begun(&self.typed_method).is_some() {
                self.typed_method.clear();
            }
        }
        Pressed::Edited
    }

    /// Takes in a key that is text.
    pub(super) fn typed(&mut self, key: Key) {
        if matches!(key, Key::Enter | Key::Esc | Key::Tab | Key::BackTab | Key::Up | Key::Down) {
            // Without a binding it means nothing.
            return;
        }
        // There they choose another method, and elsewhere they change nothing.
        let is_step = matches!(key, Key::Left | Key::Right) && self.focus != Part::Method;
        let problem = self.problem.take_if(|_| !is_step);
        match (self.focus, key) {
            (Part::Method, Key::Left) => self.change_method(Method::ALL.len() - 1),
            (Part::Method, Key::Right) => self.change_method(1),
            (Part::Method, Key::Backspace) => {
                self.typed_method.pop();
            }
            (Part::Method, Key::Ctrl('u')) => self.typed_method.clear(),
            (Part::Method, Key::Char(letter)) => {
                if problem.is_some() {
                    // It was read, and what it was about gives way.
                    self.typed_method.clear();
                }
                self.type_method(letter);
            }
            (_, key) => {
                if let Some(field) = self.field_mut() {
                    field.press(key);
                }
            }
        }
    }

    /// Puts pasted text into the part that has the cursor.
    pub(super) fn paste(&mut self, text: &str) {
        let is_single_line = self.focus == Part::Address;
        self.problem = None;
        if self.focus == Part::Method {
            text.trim().clone_into(&mut self.typed_method);
            self.method = text.trim().parse().unwrap_or(self.method);
        }
        if let Some(field) = self.field_mut() {
            field.paste(text, is_single_line);
        }
        if is_single_line && begins_address(text.trim()) && second_address(&self.address.text()).is_some() {
            // A whole address takes the place of the one that it was pasted into.
            self.address = Field::new("");
            self.address.paste(text, true);
        }
        if self.focus == Part::Query {
            self.take_query_apart(Part::Query);
            let pasted = text.trim();
            self.take_lines_apart(|line| (line == pasted && is_query(line)).then_some(line));
        }
    }

    pub(super) fn field(&self, part: Part) -> Option<&Field> {
        match part {
            Part::Method => None,
            Part::Address => Some(&self.address),
            Part::Query => Some(&self.query),
            Part::Headers => Some(&self.headers),
            Part::Body => Some(&self.body),
        }
    }

    fn field_mut(&mut self) -> Option<&mut Field> {
        match self.focus {
            Part::Method => None,
            Part::Address => Some(&mut self.address),
            Part::Query => Some(&mut self.query),
            Part::Headers => Some(&mut self.headers),
            Part::Body => Some(&mut self.body),
        }
    }

    /// Gives each parameter of a query that was typed or pasted in one piece a line of its own.
    fn take_query_apart(&mut self, part: Part) {
        match part {
            Part::Address => self.take_query_out(),
            Part::Query => self.take_lines_apart(|line| line.strip_prefix('?')),
            _ => {}
        }
    }

    /// The same for the lines that hold a whole query.
    fn take_lines_apart(&mut self, query_in: impl Fn(&str) -> Option<&str>) {
        let before = self.query.text();
        if before.lines().any(|line| query_in(line).is_some()) {
            let apart = before.lines().flat_map(|line| match query_in(line).map(pairs) {
                Some(Some(pairs)) => pairs,
                _ => vec![line.to_owned()],
            });
            self.query = Field::new(&apart.collect::<Vec<_>>().join("\n"));
        }
    }

    /// Moves the query of the address to lines of its own, decoded. One that lines cannot hold stays where it is.
    fn take_query_out(&mut self) {
        let address = self.address.text();
        let Some((path, query)) = address.split_once('?') else { return };
        let Some(added) = pairs(query) else { return };
        let before = self.query.text();
        // In the order in which they are sent.
        let lines: Vec<&str> = added.iter().map(String::as_str).chain(before.lines()).collect();
        self.query = Field::new(&lines.join("\n"));
        self.address = if self.address.is_proposed() { Field::proposed(path) } else { Field::new(path) };
    }

    /// Moves to the next line of the part, and beyond its last one to the next part.
    fn step_line(&mut self, lines: isize) {
        if !self.field_mut().is_some_and(|field| field.move_by(lines)) {
            self.focus = self.focus.neighbor(lines).unwrap_or(self.focus);
        }
    }

    /// What stands for the method, and the column of the cursor in it.
    pub(super) fn method_shown(&self) -> (String, usize) {
        let shown = begun(&self.typed_method).map_or_else(|| visible(&self.typed_method), |_| self.method.to_string());
        (shown, self.typed_method.chars().count())
    }

    /// A letter goes on with the word that was begun, or chooses another method by its own.
    fn type_method(&mut self, letter: char) {
        let longer = format!("{}{letter}", self.typed_method);
        let anew = match letter.to_ascii_lowercase() {
            'u' => "pu".to_owned(),
            'a' => "pa".to_owned(),
            letter => letter.to_string(),
        };
        let chooses_anew = begun(&longer).is_none() && begun(&self.typed_method).and(begun(&anew)).is_some();
        self.typed_method = if chooses_anew { anew } else { longer };
        self.method = begun(&self.typed_method).unwrap_or(self.method);
    }

    fn change_method(&mut self, steps: usize) {
        self.typed_method.clear();
        let at = Method::ALL.iter().position(|method| *method == self.method).unwrap_or_default();
        self.method = Method::ALL[(at + steps) % Method::ALL.len()];
    }
}

/// What reads like a whole address behind the beginning of another one, before its query.
fn second_address(address: &str) -> Option<&str> {
    let path = address.split_once('?').map_or(address, |(path, _)| path);
    let places = path.char_indices().skip(1).map(|(at, _)| &path[at..]);
    places.filter(|rest| begins_address(rest)).last()
}

fn begins_address(text: &str) -> bool {
    let begins = |scheme: &str| text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
    begins("http://") || begins("https://")
}

/// The first method that begins like this.
fn begun(word: &str) -> Option<Method> {
    let word = word.to_ascii_uppercase();
    Method::ALL.into_iter().find(|method| method.as_str().starts_with(&word))
}

/// Whether a line looks like several parameters: each piece between `&` has a name and a `=`, and nothing is to be encoded yet.
fn is_query(line: &str) -> bool {
    let is_pair = |pair: &str| pair.split_once('=').is_some_and(|(name, _)| !name.is_empty());
    line.contains('&') && !line.starts_with('?') && !line.contains(char::is_whitespace) && line.split('&').all(is_pair)
}

/// The parameters of a query, each as a person reads it; `None` where lines could not hold them.
fn pairs(query: &str) -> Option<Vec<String>> {
    query.split('&').filter(|pair| !pair.is_empty()).map(decoded).collect()
}

/// A parameter as it is sent. What begins with `?` is a whole query, encoded already.
fn encoded(line: &str) -> String {
    if let Some(query) = line.strip_prefix('?') {
        return query.to_owned();
    }
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    match line.split_once('=') {
        Some((name, value)) => format!("{}={}", encode(name.trim()), encode(value)),
        None => encode(line.trim()),
    }
}

/// A parameter as a person reads it; `None` where no line could hold it.
fn decoded(pair: &str) -> Option<String> {
    let (name, value) = parse(pair.as_bytes()).next()?;
    let fits = !name.contains('=') && !name.trim().is_empty() && !format!("{name}{value}").contains(char::is_control);
    fits.then(|| if pair.contains('=') { format!("{name}={value}") } else { name.into_owned() })
}

#[cfg(test)]
mod tests {
    use super::{Part, Pressed, RequestForm};
    use crate::api::Call;
    use crate::http::Method;
    use crate::providers::zoho;
    use crate::service::TestCalls;
    use crate::tui::keymap::{Key, Keymap, Scope};
    use crate::tui::widgets::field::Field;

    fn press(form: &mut RequestForm, key: Key) -> Pressed {
        if let Some(command) = Keymap::default().command(Scope::Typing, key) {
            return form.run(command);
        }
        form.typed(key);
        Pressed::Edited
    }

    fn sent(form: &RequestForm) -> String {
        let zoho = zoho::provider();
        form.call(zoho.default_data_center()).expect("a call").url.to_string()
    }

    fn form(address: &str) -> RequestForm {
        RequestForm { address: Field::new(address), ..RequestForm::default() }
    }

    #[test]
    fn a_query_has_lines_of_its_own_and_is_encoded_when_it_is_sent() {
        let mut form = form("/crm/v8/Leads?fields=Last_Name%2CEmail&page=2&all");
        press(&mut form, Key::Tab);
        assert_eq!((form.address.text().as_str(), form.focus), ("/crm/v8/Leads", Part::Query));
        assert_eq!(form.query.text(), "fields=Last_Name,Email\npage=2\nall");
        form.paste("\nname=Dana & Söhne=1\n\n");
        let query = "fields=Last_Name%2CEmail&page=2&all";
        // The cursor was on the first line.
        assert!(
            sent(&form).contains("name=Dana+%26+S%C3%B6hne%3D1")
                && sent(&form).starts_with("https://www.zohoapis.com/crm/v8/Leads?")
        );
        assert!(query.split('&').all(|pair| sent(&form).contains(pair)), "{}", sent(&form));
    }

    #[test]
    fn what_is_sent_is_the_same_whichever_part_has_the_cursor() {
        let mut form =
            RequestForm { query: Field::new("fields=Last_Name\nper_page=5"), ..form("/x?page=2&per_page=2") };
        let sent_from_address = sent(&form);
        press(&mut form, Key::Tab);
        assert_eq!(sent(&form), sent_from_address);
        assert!(sent_from_address.ends_with("/x?page=2&per_page=2&fields=Last_Name&per_page=5"), "{sent_from_address}");
    }

    #[test]
    fn a_whole_query_that_is_pasted_or_typed_into_its_part_is_taken_apart() {
        let mut form = form("/x");
        form.focus = Part::Query;
        form.paste("?per_page=2&name=Dana%20S\u{f6}hne");
        assert_eq!(form.query.text(), "per_page=2\nname=Dana S\u{f6}hne");
        assert!(form.notes().is_empty());
        form.query = Field::new("?a=1&b=%2C");
        assert!(sent(&form).ends_with("/x?a=1&b=%2C"), "{}", sent(&form));
        press(&mut form, Key::Tab);
        assert_eq!(form.query.text(), "a=1\nb=,");
        form.query = Field::new("a=1\nall");
        assert_eq!(form.notes(), ["`all` has no `=`: it is sent as a name without a value."]);
    }

    #[test]
    fn several_parameters_in_a_line_are_taken_apart_when_pasted_and_noted_when_typed() {
        for (line, apart) in [
            ("page=2&q=x", Some("page=2\nq=x")),
            ("q=a%20b&page=", Some("q=a b\npage=")),
            ("a=1&a=2&a=3", Some("a=1\na=2\na=3")),
            ("team=R&D", None),
            ("name=Dana & S\u{f6}hne=1", None),
            ("q=x&=1", None),
            ("q=x&", None),
            ("page=2", None),
        ] {
            let mut form = form("/x");
            form.focus = Part::Query;
            form.query = Field::new(line);
            let note = format!("`{line}` is sent as one parameter: give each a line of its own.");
            assert_eq!(form.notes(), apart.map(|_| note).into_iter().collect::<Vec<_>>(), "{line}");
            press(&mut form, Key::Tab);
            assert_eq!(form.query.text(), line, "what was typed stays");
            for before in ["", "z=1&y=2\n"] {
                form.focus = Part::Query;
                form.query = Field::new(before);
                form.field_mut().expect("a field").move_by(1);
                form.paste(&format!("{line}\n"));
                assert_eq!(form.query.text().trim_end(), format!("{before}{}", apart.unwrap_or(line)), "{line}");
            }
        }
    }

    #[test]
    fn a_body_is_noted_where_the_method_usually_has_none() {
        let mut form = RequestForm { body: Field::new("{}"), ..form("/x") };
        assert_eq!(form.notes(), ["GET usually has no body; some servers ignore it."]);
        form.method = Method::Post;
        assert!(form.notes().is_empty());
    }

    #[test]
    fn a_query_that_lines_cannot_hold_stays_in_the_address() {
        for address in ["/x?a=1%0A2", "/x?a%3Db=1", "/x?=1"] {
            let mut form = form(address);
            press(&mut form, Key::Tab);
            assert_eq!(form.address.text(), address);
            assert!(sent(&form).ends_with(address));
        }
    }

    #[test]
    fn what_a_call_asks_for_survives_the_form() {
        let url = "https://www.zohoapis.com/crm/v8/users?type=CurrentUser&q=a+b%2Bc".parse().expect("an address");
        let call =
            Call { method: Method::Put, url, headers: vec![("a".to_owned(), "b".to_owned())], body: b"x\ny".to_vec() };
        let zoho = zoho::provider();
        let here = zoho.default_data_center();
        assert_eq!(RequestForm::of(&call).at(here).address.text(), "/crm/v8/users");
        assert_eq!(RequestForm::of(&call).at(here).call(here).as_ref(), Ok(&call));
        assert_eq!(RequestForm::of(&call).call(here), Ok(call));
    }

    #[test]
    fn a_proposed_address_gives_way_to_what_is_typed_and_may_be_edited() {
        let url = "https://www.zohoapis.com/crm/v8/org".parse().expect("an address");
        let call = Call { method: Method::Get, url, headers: Vec::new(), body: Vec::new() };
        let typed = |keys: &[Key]| {
            let mut form = RequestForm::of(&call);
            for key in keys {
                press(&mut form, *key);
            }
            form.address.text()
        };
        assert_eq!(typed(&[Key::Char('/'), Key::Char('x')]), "/x");
        assert_eq!(typed(&[Key::Right, Key::Char('s')]), "https://www.zohoapis.com/crm/v8/orgs");
        assert_eq!(typed(&[Key::Backspace]), "https://www.zohoapis.com/crm/v8/or");
        assert_eq!(typed(&[Key::Tab, Key::Char('a'), Key::BackTab]), "https://www.zohoapis.com/crm/v8/org");
        let mut form = RequestForm::of(&call);
        form.paste("/pasted");
        assert_eq!(form.address.text(), "/pasted");
    }

    #[test]
    fn a_file_has_the_type_of_its_ending_unless_another_is_given() {
        for (headers, body, expected) in [
            ("", "@/x/leads.csv", Some("text/csv")),
            ("", "@/x/leads", Some("application/octet-stream")),
            ("Content-Type: a/b", "@/x/leads.csv", Some("a/b")),
            ("", "@dana\nand more", None),
            ("Content-Type: multipart/form-data", "a=1", Some("multipart/form-data")),
        ] {
            let form = RequestForm { headers: Field::new(headers), body: Field::new(body), ..form("/x") };
            let call = form.call(zoho::provider().default_data_center()).expect(body);
            assert_eq!(call.headers.first().map(|(_, value)| value.as_str()), expected, "{body}");
            // The path is kept, and nothing of what is there.
            assert_eq!(call.body, body.as_bytes());
        }
    }

    #[test]
    fn the_hint_of_the_body_tells_of_files_and_how_a_form_is_typed() {
        let mut form = form("/x");
        form.focus = Part::Body;
        assert!(form.hint().contains("@PATH sends a file") && form.hint().contains("multipart/form-data"));
        form.headers = Field::new("content-type: Multipart/Form-Data");
        assert!(form.hint().starts_with("A part a line: name=text or name=@FILE"));
    }

    #[test]
    fn a_call_that_is_refused_names_the_part_to_correct() {
        let data_center = zoho::provider().default_data_center().clone();
        let known = TestCalls { data_center, dialect: &zoho::DIALECT, calls: Vec::new(), others: Vec::new() };
        for (address, headers, body, part) in [
            ("crm", "", "", Part::Address),
            ("ftp://www.zohoapis.com/x", "", "", Part::Address),
            ("https://user@www.zohoapis.com/x", "", "", Part::Address),
            ("/x", "no header", "", Part::Headers),
            ("/x", "a: b\nAuthorization: Bearer x", "", Part::Headers),
            ("/x", "Content-Length: 5", "", Part::Headers),
            ("/x", "a b: c", "", Part::Headers),
            ("/x", "Content-Type: multipart/form-data", "no part", Part::Body),
        ] {
            let form = RequestForm { headers: Field::new(headers), body: Field::new(body), ..form(address) };
            let refused = form.call_here(&known).expect_err(address);
            assert_eq!(refused.part, part, "{address} {headers} {body}: {}", refused.why);
        }
    }

    #[test]
    fn letters_choose_the_method() {
        let mut form = form("/x");
        form.focus = Part::Method;
        for (letter, method) in [('p', Method::Post), ('U', Method::Put), ('a', Method::Patch), ('d', Method::Delete)] {
            assert_eq!(press(&mut form, Key::Char(letter)), Pressed::Edited);
            assert_eq!(form.method, method);
        }
    }

    #[test]
    fn a_word_chooses_the_method_that_it_names_and_no_other() {
        let data_center = zoho::provider().default_data_center().clone();
        let words = Method::ALL.map(|method| (method.as_str(), Some(method)));
        let others = ["OPTIONS", "TRACE", "BREW", "GETS", "HEADING", "x", "update"].map(|word| (word, None));
        for (word, expected) in words.into_iter().chain(others) {
            for word in [word.to_owned(), word.to_ascii_lowercase()] {
                for (way, pasted) in [("typed", false), ("pasted", true)] {
                    let mut form = RequestForm { focus: Part::Method, ..form("/x") };
                    if pasted {
                        form.paste(&format!(" {word}\n"));
                    } else {
                        word.chars().for_each(|letter| form.typed(Key::Char(letter)));
                    }
                    let called = form.call(&data_center).map(|call| call.method);
                    assert_eq!(called.as_ref().ok(), expected.as_ref(), "{word}, {way}");
                    if let Err(refused) = called {
                        assert_eq!(refused.part, Part::Method);
                        assert!(form.method_shown().0.ends_with(&word[word.len() - 1..]), "{word}, {way}");
                        // What is typed once that was told takes its place.
                        form.problem = Some(refused.why);
                        form.typed(Key::Char('d'));
                    } else {
                        press(&mut form, Key::Tab);
                        press(&mut form, Key::BackTab);
                        form.typed(Key::Char('d'));
                    }
                    assert_eq!(form.call(&data_center).map(|call| call.method), Ok(Method::Delete), "{word}, {way}");
                }
            }
        }
    }

    #[test]
    fn a_word_that_is_no_method_is_told_until_it_is_mended_and_offers_no_letters() {
        let data_center = zoho::provider().default_data_center().clone();
        for (keys, method) in [
            (&[Key::Ctrl('u')][..], Method::Get),
            (&[Key::Backspace, Key::Backspace, Key::Backspace, Key::Backspace], Method::Get),
            (&[Key::Right], Method::Post),
            (&[Key::Left], Method::Head),
            (&[Key::Char('p')], Method::Post),
        ] {
            let mut form = RequestForm { focus: Part::Method, body: Field::new("x"), ..form("/x") };
            assert!(form.hint().contains("p POST") && form.notes().len() == 1);
            "BREW".chars().for_each(|letter| form.typed(Key::Char(letter)));
            assert!(!form.hint().contains("p POST") && form.hint().contains("Ctrl-U"), "{}", form.hint());
            assert!(form.notes().is_empty(), "it is no GET: {:?}", form.notes());
            form.problem = form.call(&data_center).err().map(|refused| refused.why);
            assert!(form.problem.is_some());
            for key in keys {
                form.typed(*key);
            }
            assert_eq!(
                (form.call(&data_center).map(|call| call.method), &form.problem),
                (Ok(method), &None),
                "{keys:?}"
            );
            assert!(form.hint().contains("p POST"), "{keys:?}");
        }
    }

    #[test]
    fn one_key_that_sends_is_named_and_it_does() {
        for part in Part::ALL {
            let mut form = RequestForm { focus: part, ..form("/x") };
            assert!(!form.hint().contains("sends."), "{}", form.hint());
            assert_eq!(form.run(form.sent_by()), Pressed::Send);
        }
    }

    #[test]
    fn enter_breaks_lines_and_ctrl_s_sends_from_anywhere() {
        for (part, pressed) in [
            (Part::Method, Pressed::Send),
            (Part::Address, Pressed::Send),
            (Part::Query, Pressed::Edited),
            (Part::Headers, Pressed::Edited),
            (Part::Body, Pressed::Edited),
        ] {
            let mut form = form("/x");
            form.focus = part;
            assert_eq!(press(&mut form, Key::Enter), pressed, "{part:?}");
            assert_eq!(press(&mut form, Key::Ctrl('s')), Pressed::Send);
        }
    }

    #[test]
    fn a_body_that_is_no_json_is_noted_with_its_line() {
        let mut form = form("/x");
        for (body, warning) in [
            ("", None),
            ("a=1", None),
            ("{\"a\":1}", None),
            ("{\n\"a\":,\n}", Some("The body is no JSON: line 2, column 5.")),
        ] {
            form.body = Field::new(body);
            assert_eq!(form.warning().as_deref(), warning);
        }
    }
}
