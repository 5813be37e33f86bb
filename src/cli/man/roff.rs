//! Text for `man`, which calls a line that begins with `.` or `'` a request and everything behind a backslash an escape.

use std::fmt::Write;

/// A page that is being written. Text has its code in backquotes and its placeholders in `<>`.
pub(super) struct Page {
    pub(super) text: String,
}

impl Page {
    pub(super) fn new(title: &str, version: &str) -> Self {
        let title = escaped(&title.to_uppercase());
        Self { text: format!(".TH \"{title}\" 1 \"\" \"device\\-login {version}\" \"device\\-login\"\n") }
    }

    pub(super) fn section(&mut self, title: &str) {
        self.line(&format!(".SH \"{title}\""));
    }

    pub(super) fn name(&mut self, name: &str, about: &str) {
        let (name, about) = (escaped(name), formatted(about));
        self.line(&format!("{name} \\- {about}"));
    }

    pub(super) fn synopsis(&mut self, program: &str, usage: &str) {
        self.line(&format!("\\fB{}\\fR {}", escaped(program), formatted(usage)));
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.gap();
        self.body(text);
    }

    /// A term, and what it means.
    pub(super) fn entry(&mut self, term: &str, meaning: &str) {
        self.line(".TP");
        self.line(&formatted(term));
        self.body(meaning);
    }

    /// Another paragraph about the last term.
    pub(super) fn more(&mut self, text: &str) {
        self.line(".IP");
        self.body(text);
    }

    /// Lines as they stand.
    pub(super) fn example(&mut self, lines: &str) {
        self.gap();
        self.line(".RS 4\n.nf");
        for line in lines.lines() {
            let line = guarded(&escaped(line.strip_prefix("  ").unwrap_or(line)));
            self.line(&line);
        }
        self.line(".fi\n.RE");
    }

    pub(super) fn references(&mut self, pages: &[String]) {
        let pages: Vec<String> = pages.iter().map(|page| format!("\\fB{}\\fR(1)", escaped(page))).collect();
        self.line(&pages.join(", "));
    }

    /// Begins a paragraph, which the title of a section has done already.
    fn gap(&mut self) {
        if !self.text.lines().last().is_some_and(|line| line.starts_with(".SH ")) {
            self.line(".PP");
        }
    }

    fn body(&mut self, text: &str) {
        for line in text.lines() {
            self.line(&guarded(&formatted(line.trim_end())));
        }
    }

    fn line(&mut self, line: &str) {
        // Writing into memory cannot fail.
        let _ = writeln!(self.text, "{line}");
    }
}

/// Keeps a line of text from being a request.
fn guarded(line: &str) -> String {
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() }
}

/// Hyphens as they are typed, so that what is copied works.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

/// Code bold, placeholders slanted.
fn formatted(text: &str) -> String {
    let mut formatted = String::new();
    for (at, part) in text.split('`').enumerate() {
        if at % 2 == 1 {
            formatted += "\\fB";
            formatted += &escaped(part);
            formatted += "\\fR";
        } else {
            formatted += &escaped(part).replace('<', "\\fI").replace('>', "\\fR");
        }
    }
    formatted
}
