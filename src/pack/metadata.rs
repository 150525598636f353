//! What is said of a distribution, as its METADATA and PKG-INFO say it ("Core metadata specifications", packaging.python.org, version 2.4;
//! 2.5 where import names are given, PEP 794).
//!
//! In: values that were checked. Out: the text, which is a mail's: fields, an empty line, the long description. Where the values come from is not
//! here (`pyproject`, `project`).

use std::collections::BTreeMap;

use super::archive::Entry;
use super::requirement::{Requirement, normal_name};

/// A distribution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// As its author writes it.
    pub name: String,
    /// In the normal form.
    pub version: String,
    /// One line.
    pub summary: Option<String>,
    /// The long description and its content type.
    pub description: Option<Description>,
    /// Versions of Python.
    pub requires_python: Option<String>,
    /// An SPDX expression.
    pub license_expression: Option<String>,
    /// Free text about the licence, from before there were expressions.
    pub license: Option<String>,
    /// Texts of licences: paths from the project's folder, and what they say.
    pub license_files: Vec<Entry>,
    /// Who wrote it.
    pub authors: Vec<Person>,
    /// Who cares for it.
    pub maintainers: Vec<Person>,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// Trove classifiers.
    pub classifiers: Vec<String>,
    /// Labels and addresses.
    pub urls: Vec<(String, String)>,
    /// What it needs.
    pub dependencies: Vec<Requirement>,
    /// What it needs more, by the name of the extra.
    pub extras: Vec<(String, Vec<Requirement>)>,
    /// Names and objects, by group.
    pub entry_points: BTreeMap<String, Vec<(String, String)>>,
    /// What can be imported (PEP 794), if it is said.
    pub import_names: Option<Vec<String>>,
    /// Namespaces that it shares with others (PEP 794).
    pub import_namespaces: Option<Vec<String>>,
}

/// A long description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// `text/markdown`, `text/x-rst` or `text/plain`, with parameters or without.
    pub content_type: String,
    /// What it says.
    pub text: String,
}

/// Somebody; one of the two is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// A name.
    pub name: Option<String>,
    /// A mail address.
    pub email: Option<String>,
}

impl Metadata {
    /// Name and version as file names have them ("Binary distribution format", escaping): `name-1.0`.
    pub fn stem(&self) -> String {
        let name = normal_name(&self.name).replace('-', "_");
        format!("{name}-{}", self.version)
    }

    /// The text of METADATA.
    pub fn text(&self) -> String {
        let imports = self.import_names.is_some() || self.import_namespaces.is_some();
        let mut fields = Fields::default();
        fields.one("Metadata-Version", if imports { "2.5" } else { "2.4" });
        fields.one("Name", &self.name);
        fields.one("Version", &self.version);
        fields.all("Summary", &self.summary);
        let keywords = self.keywords.join(",");
        fields.all("Keywords", (!keywords.is_empty()).then_some(&keywords));
        fields.people("Author", &self.authors);
        fields.people("Maintainer", &self.maintainers);
        fields.all("License-Expression", &self.license_expression);
        fields.all("License", &self.license);
        fields.all(
            "License-File",
            self.license_files.iter().map(|file| &file.path),
        );
        fields.all("Classifier", &self.classifiers);
        for (label, url) in &self.urls {
            fields.one("Project-URL", &format!("{label}, {url}"));
        }
        fields.all("Requires-Python", &self.requires_python);
        for requirement in &self.dependencies {
            fields.one("Requires-Dist", &requirement.text());
        }
        for (extra, requirements) in &self.extras {
            fields.one("Provides-Extra", extra);
            for requirement in requirements {
                fields.one("Requires-Dist", &requirement.of_extra(extra));
            }
        }
        fields.names("Import-Name", self.import_names.as_ref());
        fields.names("Import-Namespace", self.import_namespaces.as_ref());
        if let Some(description) = &self.description {
            fields.one("Description-Content-Type", &description.content_type);
            fields.text += &format!("\n{}", description.text);
        }
        fields.text
    }

    /// The text of entry_points.txt ("Entry points specification"); nothing where there are none.
    pub fn entry_points_text(&self) -> Option<String> {
        let mut groups = Vec::new();
        for (group, entries) in &self.entry_points {
            let mut text = format!("[{group}]\n");
            for (name, object) in entries {
                text += &format!("{name} = {object}\n");
            }
            groups.push(text);
        }
        (!groups.is_empty()).then(|| groups.join("\n"))
    }
}

#[derive(Default)]
struct Fields {
    text: String,
}

impl Fields {
    fn one(&mut self, field: &str, value: &str) {
        // A value of several lines goes on where lines are indented.
        let value = value
            .trim_end()
            .replace("\r\n", "\n")
            .replace('\n', "\n        ");
        self.text += &format!("{field}: {value}\n");
    }

    fn all<'a>(&mut self, field: &str, values: impl IntoIterator<Item = &'a String>) {
        for value in values {
            self.one(field, value);
        }
    }

    /// Who has only a name, and in another field who has an address (PEP 621, `authors`).
    fn people(&mut self, field: &str, people: &[Person]) {
        let (mut names, mut addresses) = (Vec::new(), Vec::new());
        for person in people {
            match (&person.name, &person.email) {
                (Some(name), None) => names.push(name.clone()),
                (None, Some(email)) => addresses.push(email.clone()),
                (Some(name), Some(email)) => addresses.push(format!("{} <{email}>", phrase(name))),
                (None, None) => {}
            }
        }
        for (field, values) in [
            (field.to_owned(), names),
            (format!("{field}-email"), addresses),
        ] {
            let values = values.join(", ");
            self.all(&field, (!values.is_empty()).then_some(&values));
        }
    }

    /// An empty field says that there are none.
    fn names(&mut self, field: &str, names: Option<&Vec<String>>) {
        match names.map(Vec::as_slice) {
            None => {}
            Some([]) => self.text += &format!("{field}:\n"),
            Some(names) => self.all(field, names),
        }
    }
}

/// A name before an address: in quotes where signs have a meaning in addresses (RFC 5322, 3.2.3).
fn phrase(name: &str) -> String {
    if name.contains(|c: char| "()<>[]:;@\\,.\"".contains(c)) {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_stand_where_their_addresses_want_them() {
        let person = |name: &str, email: &str| Person {
            name: (!name.is_empty()).then(|| name.to_owned()),
            email: (!email.is_empty()).then(|| email.to_owned()),
        };
        let metadata = Metadata {
            name: "A.b".into(),
            version: "1.0".into(),
            license: Some("first\n\nthird\n".into()),
            authors: vec![
                person("A", ""),
                person("B", "b@x.org"),
                person("C, D.", "c@x.org"),
            ],
            import_names: Some(Vec::new()),
            ..Metadata::default()
        };
        assert_eq!(metadata.stem(), "a_b-1.0");
        assert_eq!(
            metadata.text(),
            "Metadata-Version: 2.5\nName: A.b\nVersion: 1.0\nAuthor: A\nAuthor-email: B <b@x.org>, \"C, D.\" <c@x.org>\n\
             License: first\n        \n        third\nImport-Name:\n"
        );
        assert_eq!(metadata.entry_points_text(), None);
    }
}
