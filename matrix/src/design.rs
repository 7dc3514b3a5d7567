//! A design: one value on each axis, one executable.
//!
//! Designs are made by [`Axes`](crate::axes::Axes) alone, so every design that exists can be built.

use std::fmt;

use serde::{Serialize, Serializer};

/// One value on each axis, in the order of the axes; displayed and stored as its name, such as `uring+split+mimalloc`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Design {
    package: String,
    always: Vec<String>,
    choices: Vec<Choice>,
}

/// A value on an axis.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Choice {
    /// The axis, such as `backend`.
    pub axis: String,
    /// The value, such as `uring`; also the name of the feature that chooses it.
    pub value: String,
    /// Whether a name leaves it out.
    #[serde(skip)]
    pub is_unnamed: bool,
}

impl Design {
    /// `always` are features that are on in every design of the package.
    pub(crate) fn new(package: &str, always: &[String], choices: Vec<Choice>) -> Self {
        Self {
            package: package.to_owned(),
            always: always.to_vec(),
            choices,
        }
    }

    /// The package whose executable it is.
    pub fn package(&self) -> &str {
        &self.package
    }

    /// The values joined by `+`, without what is unnamed; also the name of the executable.
    pub fn name(&self) -> String {
        let named = self.choices.iter().filter(|choice| !choice.is_unnamed);
        let values: Vec<_> = named.map(|choice| choice.value.as_str()).collect();
        values.join("+")
    }

    /// Whether this is its name, or the same with what is unnamed.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name() == name || name.split('+').eq(self.values())
    }

    /// One choice per axis.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// The values, axis by axis.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.choices.iter().map(|choice| choice.value.as_str())
    }

    /// The value on an axis, if there is such an axis.
    pub fn value(&self, axis: &str) -> Option<&str> {
        self.choices
            .iter()
            .find(|choice| choice.axis == axis)
            .map(|choice| choice.value.as_str())
    }

    /// The features of its package that build the executable of this design.
    pub fn features(&self) -> Vec<&str> {
        let always = self.always.iter().map(String::as_str);
        always.chain(self.values()).collect()
    }
}

impl fmt::Display for Design {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

impl Serialize for Design {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
