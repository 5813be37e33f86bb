//! Fills `{{names}}` in HTML. Text cannot get in unescaped: values are [`Markup`], which text becomes by escaping only.

/// HTML that is safe to put between tags and into quoted attributes.
#[derive(Default)]
pub(super) struct Markup(String);

impl Markup {
    pub(super) fn text(text: &str) -> Self {
        let mut escaped = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                '&' => escaped.push_str("&amp;"),
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '"' => escaped.push_str("&quot;"),
                '\'' => escaped.push_str("&#39;"),
                other => escaped.push(other),
            }
        }
        Self(escaped)
    }

    pub(super) fn push(&mut self, other: &Markup) {
        self.0.push_str(&other.0);
    }

    pub(super) fn into_html(self) -> String {
        self.0
    }
}

/// Puts `values` into a template of our own. What a value contains is never taken for a name.
pub(super) fn fill(template: &'static str, values: &[(&str, &Markup)]) -> Markup {
    let mut html = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        html.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            html.push_str(&value.0);
        }
        rest = after;
    }
    html.push_str(rest);
    Markup(html)
}

#[cfg(test)]
mod tests {
    use super::{Markup, fill};

    #[test]
    fn text_is_escaped_and_never_read_as_a_name() {
        let hostile = Markup::text("<script>'{{other}}' & \"x\"</script>");
        let filled =
            fill("<p title=\"{{value}}\">{{other}}</p>", &[("value", &hostile), ("other", &Markup::text("o"))]);
        assert_eq!(
            filled.into_html(),
            "<p title=\"&lt;script&gt;&#39;{{other}}&#39; &amp; &quot;x&quot;&lt;/script&gt;\">o</p>"
        );
    }
}
