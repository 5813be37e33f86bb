//! The recipes in the document: what is typed, what is a file, and what is said of them.

/// A section of the document.
pub(super) struct Recipe {
    pub(super) title: String,
    /// What is typed, a line each.
    pub(super) commands: Vec<String>,
    pub(super) files: Vec<File>,
    pub(super) prose: String,
}

/// A block with a name behind its language.
pub(super) struct File {
    pub(super) name: String,
    pub(super) text: String,
}

impl Recipe {
    pub(super) fn file(&self, name: &str) -> &str {
        let file = self.files.iter().find(|file| file.name == name);
        &file.unwrap_or_else(|| panic!("{} has no file {name}", self.title)).text
    }
}

/// All of them, in the order of the document.
pub(super) fn recipes() -> Vec<Recipe> {
    let document = include_str!("../../../docs/recipes.md");
    document.split("\n## ").skip(1).map(recipe).collect()
}

fn recipe(section: &str) -> Recipe {
    let (title, text) = section.split_once('\n').expect("a section has a text");
    let mut recipe = Recipe { title: title.to_owned(), commands: Vec::new(), files: Vec::new(), prose: String::new() };
    for (place, part) in text.split("```").enumerate() {
        // Every other part is a block.
        if place % 2 == 0 {
            recipe.prose += part;
            continue;
        }
        let (language, text) = part.split_once('\n').expect("a block has lines");
        if let Some((_, name)) = language.split_once(' ') {
            recipe.files.push(File { name: name.to_owned(), text: text.to_owned() });
        } else {
            assert_eq!(language, "console", "{title}: a block is typed, or has a name");
            let typed = text.lines().map(|line| line.strip_prefix("$ ").expect("each line is typed").to_owned());
            recipe.commands.extend(typed);
        }
    }
    recipe
}
