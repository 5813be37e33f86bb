//! Which known word was probably meant by one that nobody has: of profiles, providers, products, scopes, keys and values of the
//! configuration, variables. Commands and flags are clap's affair, which goes by the same crate.

use std::fmt::Display;

use crate::sorted;

/// No name that is known is longer.
const LONGEST: usize = 64;

/// How many letters have to be added, left out, changed or swapped with the next to make one word of the other; one if it is
/// part of the other.
pub fn distance(wanted: &str, known: &str) -> usize {
    if wanted.len() >= 3 && (known.starts_with(wanted) || known.ends_with(wanted)) {
        return 1;
    }
    if wanted.len() > LONGEST { usize::MAX } else { strsim::osa_distance(wanted, known) }
}

/// What goes by the words that are nearest to one that nobody has, in any letter case: at most three, none if none is near.
pub fn nearest<'a, T: PartialEq>(wanted: &str, known: impl IntoIterator<Item = (&'a str, T)>) -> Vec<T> {
    let wanted = wanted.to_lowercase();
    // Most of a short word is not its neighbour.
    let most = if wanted.len() < 4 { 1 } else { 2 };
    let far = |(word, it): (&'a str, T)| (distance(&wanted, &word.to_lowercase()), word, it);
    let mut near: Vec<_> = known.into_iter().map(far).filter(|(far, ..)| *far <= most).collect();
    sorted::by_key(&mut near, |(far, word, _)| (*far, *word));
    let least = near.first().map(|(far, ..)| *far);
    let mut found = Vec::new();
    for (.., it) in near.into_iter().take_while(|(far, ..)| Some(*far) == least) {
        if !found.contains(&it) {
            found.push(it);
        }
    }
    found.truncate(3);
    found
}

/// They as a question, for what is no advice of an error: "did you mean `a` or `b`?".
pub fn did_you_mean<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near = nearest(wanted, known.into_iter().map(|word| (word, word)));
    (!near.is_empty()).then(|| question(&near))
}

/// "did you mean `a` or `b`?"
pub fn question(near: &[impl Display]) -> String {
    let near: Vec<String> = near.iter().map(|word| format!("`{word}`")).collect();
    format!("did you mean {}?", near.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn near_words_are_offered_and_far_ones_are_not() {
        let known = ["github", "gitlab", "google", "zoho", "us", "uk", "work", "lobby-2"];
        for (wanted, expected) in [
            ("GitHub", Some("did you mean `github`?")),
            ("githbu", Some("did you mean `github`?")),
            ("zhoo", Some("did you mean `zoho`?")),
            ("uss", Some("did you mean `us`?")),
            ("ux", Some("did you mean `uk` or `us`?")),
            ("wrok", Some("did you mean `work`?")),
            ("lobby", Some("did you mean `lobby-2`?")),
            ("giblab", Some("did you mean `gitlab`?")),
            ("nothing", None),
            ("", None),
            (&"work".repeat(10_000), None),
        ] {
            assert_eq!(did_you_mean(wanted, known).as_deref(), expected, "{wanted}");
        }
    }
}
