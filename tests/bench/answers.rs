//! What a long answer costs on the screen: `cargo bench --bench answers`. Prints times; nothing here passes or fails.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use device_login::abilities::Environment;
use device_login::clock;
use device_login::tui::theme::Theme;
use device_login::tui::widgets::json_view::{JsonDocument, JsonPane, JsonView};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// Bytes of the answer.
const SIZE: usize = 10_000_000;
const AREA: Rect = Rect { x: 0, y: 0, width: 120, height: 40 };

fn main() {
    let text: Arc<str> = answer().into();
    let document = timed("taken apart, beside the screen", || Arc::new(JsonDocument::parse(text.clone())));
    println!("  {} bytes, {} lines", text.len(), document.line_count());
    let mut view = JsonView::new(document.clone());
    view.set_rows(AREA.height);
    let theme = Theme::new(
        Environment { term: Some("xterm-256color"), lang: Some("C.UTF-8"), ..Environment::default() }.abilities(),
    );
    let frame = |view: &JsonView| {
        let mut buffer = Buffer::empty(AREA);
        JsonPane { view, theme: &theme, focused: true }.render(AREA, &mut buffer);
        view.path_at_cursor()
    };
    timed("a frame at the beginning", || frame(&view));
    timed("the key to the end", || view.end());
    timed("a frame at the end", || frame(&view));
    timed("a page up", || view.page(-1));
    timed("everything folded", || view.fold_all());
    timed("everything unfolded", || view.unfold_all());
    for query in ["e", "em", "d.reyes", "no such thing"] {
        let found = timed(&format!("looking for `{query}`, beside the screen"), || document.find(query));
        timed("  and showing what was found", || view.show_found(found));
    }
    timed("the raw text at first look", || JsonDocument::beginning(&text, 64 * 1024, 80));
    timed("the raw text broken to a width, beside the screen", || JsonDocument::wrapped(text.clone(), 80));
    if let Some(peak) = peak_memory() {
        println!("peak memory: {peak}");
    }
}

/// What the process has held at most, where the system tells.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map(|peak| peak.trim().to_owned())
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = clock::now();
    let result = work();
    let took: Duration = clock::now() - start;
    println!("{what}: {:.2} ms", took.as_secs_f64() * 1000.0);
    result
}

/// Records as an API answers them, in one line.
fn answer() -> String {
    let mut text = String::from("{\"data\":[{}");
    let mut record = 0;
    while text.len() < SIZE {
        write!(
            text,
            r#",{{"id":"20098765{record:012}","Owner":{{"name":"Dana Reyes","email":"d.reyes@example.com"}},"Amount":{record}.50}}"#
        )
        .expect("a string takes any text");
        record += 1;
    }
    text + "]}"
}
