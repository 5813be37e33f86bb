//! The person's own request: a form of method, address, headers and body, and the call that it describes.

use crate::api::{self, Call, Refusal};
use crate::error::Error;
use crate::http::Method;
use crate::providers::DataCenter;
use crate::service::refusal_error;
use crate::tui::keymap::Key;
use crate::tui::widgets::field::Field;

/// A request as typed.
#[derive(Clone, Debug)]
pub(super) struct RequestForm {
    pub(super) method: Method,
    pub(super) address: Field,
    pub(super) headers: Field,
    pub(super) body: Field,
    pub(super) focus: Part,
}

/// The parts of the form, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Method,
    Address,
    Headers,
    Body,
}

impl Part {
    pub(super) const ALL: [Part; 4] = [Part::Method, Part::Address, Part::Headers, Part::Body];

    pub(super) fn name(self) -> &'static str {
        match self {
            Part::Method => "Method",
            Part::Address => "Address",
            Part::Headers => "Headers",
            Part::Body => "Body",
        }
    }

    fn neighbor(self, step: isize) -> Option<Part> {
        let at = Part::ALL.iter().position(|part| *part == self)?;
        Part::ALL.get(at.checked_add_signed(step)?).copied()
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
            address: Field::new(""),
            headers: Field::new(""),
            body: Field::new(""),
            focus: Part::Address,
        }
    }
}

impl RequestForm {
    /// The form that describes `call`.
    pub(super) fn of(call: &Call) -> Self {
        let headers: Vec<String> = call.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let mut address = Field::new(call.url.as_str());
        address.press(Key::End);
        Self {
            method: call.method,
            address,
            headers: Field::new(&headers.join("\n")),
            body: Field::new(&String::from_utf8_lossy(&call.body)),
            focus: Part::Address,
        }
    }

    pub(super) fn is_blank(&self) -> bool {
        self.address.text().trim().is_empty()
    }

    /// The call as typed. Nothing is added to it but the type of a JSON body.
    pub(super) fn call(&self, data_center: &DataCenter) -> Result<Call, Error> {
        let what = "the request cannot be sent";
        let address = self.address.text();
        let url =
            api::resolve(address.trim(), None, data_center, &[]).map_err(|refusal| refusal_error(what, &refusal))?;
        let mut headers = Vec::new();
        for line in self.headers.text().lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, value) =
                line.split_once(':').ok_or_else(|| refusal_error(what, &Refusal::NoHeader(line.to_owned())))?;
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        let body = self.body.text();
        let has_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if !has_type && !body.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        Ok(Call { method: self.method, url, headers, body: body.into_bytes() })
    }

    /// Takes in one key.
    pub(super) fn press(&mut self, key: Key) -> Pressed {
        match (self.focus, key) {
            (_, Key::Esc) => return Pressed::Leave,
            (_, Key::Tab) => self.focus = self.focus.neighbor(1).unwrap_or(Part::Method),
            (_, Key::BackTab) => self.focus = self.focus.neighbor(-1).unwrap_or(Part::Body),
            (Part::Body, Key::Enter) => return Pressed::Send,
            (Part::Headers, Key::Enter) if !self.headers.is_empty_line() => self.headers.break_line(),
            (_, Key::Enter) => self.step(1),
            (Part::Method, Key::Left) => self.change_method(Method::ALL.len() - 1),
            (Part::Method, Key::Right | Key::Char(_)) => self.change_method(1),
            (_, Key::Up) => self.step_line(-1),
            (_, Key::Down) => self.step_line(1),
            (_, key) => {
                if let Some(field) = self.field_mut() {
                    field.press(key);
                }
            }
        }
        Pressed::Edited
    }

    /// Puts pasted text into the part that has the cursor.
    pub(super) fn paste(&mut self, text: &str) {
        let is_single_line = self.focus == Part::Address;
        if let Some(field) = self.field_mut() {
            field.paste(text, is_single_line);
        }
    }

    pub(super) fn field(&self, part: Part) -> Option<&Field> {
        match part {
            Part::Method => None,
            Part::Address => Some(&self.address),
            Part::Headers => Some(&self.headers),
            Part::Body => Some(&self.body),
        }
    }

    fn field_mut(&mut self) -> Option<&mut Field> {
        match self.focus {
            Part::Method => None,
            Part::Address => Some(&mut self.address),
            Part::Headers => Some(&mut self.headers),
            Part::Body => Some(&mut self.body),
        }
    }

    fn step(&mut self, parts: isize) {
        self.focus = self.focus.neighbor(parts).unwrap_or(self.focus);
    }

    /// Moves to the next line of the part, and beyond its last one to the next part.
    fn step_line(&mut self, lines: isize) {
        if !self.field_mut().is_some_and(|field| field.move_by(lines)) {
            self.step(lines);
        }
    }

    fn change_method(&mut self, steps: usize) {
        let at = Method::ALL.iter().position(|method| *method == self.method).unwrap_or_default();
        self.method = Method::ALL[(at + steps) % Method::ALL.len()];
    }
}
