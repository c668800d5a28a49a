//! What a caller says beside a scenario's text: what to apply to it and where to find what it refers to.

/// Reads the files that a scenario refers to (`extends`); the runner has files, the browser has not.
pub trait Files {
    /// The text of a file; its path is relative to the folder of the scenario that is loaded.
    ///
    /// # Errors
    ///
    /// Says why it cannot be read.
    fn read(&self, path: &str) -> Result<String, String>;
}

/// No files at all, as in the browser.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _path: &str) -> Result<String, String> {
        Err("it cannot be read from here".to_owned())
    }
}

/// Looks up names of the environment, where there is one.
pub type Environment<'a> = Option<&'a dyn Fn(&str) -> Option<String>>;

/// What to apply to a scenario's text, and where to find what it refers to.
#[derive(Clone, Copy)]
pub struct LoadOptions<'a> {
    /// Name of the text for problems: a file's name, or a built-in's.
    pub source: &'a str,
    /// Profile to apply; the document's own `profile` when none.
    pub profile: Option<&'a str>,
    /// Dotted paths to values in YAML, applied last.
    pub set: &'a [(String, String)],
    /// Seed that wins over the document's.
    pub seed: Option<u64>,
    /// Reads files.
    pub files: &'a dyn Files,
    /// Reads the environment, to find a placeholder or missing secret before anything is sent; nothing is kept.
    /// `None` where there is no environment (in the browser): references are then taken on trust.
    pub environment: Environment<'a>,
    /// Whether it is loaded to run, not only to be looked at: what only runs need must then be there.
    pub to_run: bool,
}

impl<'a> LoadOptions<'a> {
    /// Options for a text of this name and nothing else.
    pub fn new(source: &'a str) -> Self {
        Self { source, profile: None, set: &[], seed: None, files: &NoFiles, environment: None, to_run: false }
    }
}
