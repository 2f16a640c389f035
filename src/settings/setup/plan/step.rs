//! The steps of a setup.

use serde_json::Value;

/// The subject of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    StatusSet,
    Status,
    Attribute,
    Category,
    /// A status set assigned to a category.
    CategoryStatusSet,
    /// A custom attribute assigned to a category.
    CategoryAttribute,
}

impl Kind {
    /// Returns the name as shown to users.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StatusSet => "status_set",
            Self::Status => "status",
            Self::Attribute => "attribute",
            Self::Category => "category",
            Self::CategoryStatusSet => "category_status_set",
            Self::CategoryAttribute => "category_attribute",
        }
    }
}

/// What a step does, or why it does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Create,
    Assign,
    /// A select attribute exists, and gets more options.
    Extend,
    /// The object or assignment exists as described.
    Exists,
    /// The object or assignment exists, but differs from the description. Nothing is changed.
    Differs,
    /// The object or assignment cannot be created.
    Missing,
}

impl Action {
    /// Returns the name as shown to users.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Assign => "assign",
            Self::Extend => "extend",
            Self::Exists => "exists",
            Self::Differs => "differs",
            Self::Missing => "missing",
        }
    }
}

/// The id of an existing object, or the step that creates the object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ObjectId {
    Known(String),
    FromStep(usize),
}

/// The request that a step sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// `rename` is set if an inactive set already has the name and must be renamed.
    StatusSet {
        name: String,
        body: Value,
        rename: bool,
    },
    /// `after` is the previous step for the same set, since statuses keep their order of creation.
    Status {
        label: String,
        body: Value,
        set: ObjectId,
        after: Option<usize>,
    },
    Attribute {
        name: String,
        body: Value,
        rename: bool,
    },
    /// Adds options to the select attribute with this id.
    Options {
        attribute: String,
        options: Vec<String>,
    },
    Category {
        name: String,
        body: Value,
        parent: ObjectId,
    },
    /// `after` is the previous step for the same category, since a category must be changed by one request at a time.
    AssignStatusSet {
        category: ObjectId,
        set: ObjectId,
        after: Option<usize>,
    },
    AssignAttribute {
        category: ObjectId,
        attribute: ObjectId,
        after: Option<usize>,
    },
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub kind: Kind,
    pub name: String,
    pub action: Action,
    /// The difference, the reason, or other information. May be empty.
    pub note: String,
    /// Whether the description must be corrected because it refers to something that does not exist.
    pub mistake: bool,
    pub work: Option<Work>,
}

/// All steps, dependencies first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    pub steps: Vec<Step>,
}

impl Plan {
    /// Returns the unknown names in the description, each with a fix.
    #[must_use]
    pub fn mistakes(&self) -> Vec<String> {
        let mistakes = self.steps.iter().filter(|step| step.mistake);
        mistakes
            .map(|step| format!("{}: {}", step.name, step.note))
            .collect()
    }
}
