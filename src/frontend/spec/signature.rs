//! Signatures as `__text_signature__` has them.
//!
//! In: parameters. Out: text that `inspect.signature` reads back. CPython's Argument Clinic sets the form: the module comes first, as
//! `$module`, and is positional-only.

use crate::frontend::lang::ParamKind;

/// An argument of the signature.
pub(super) struct Shown {
    pub name: String,
    pub kind: ParamKind,
    /// The default's text, in ASCII: `inspect` reads nothing else.
    pub default: Option<String>,
}

/// The signature.
pub(super) fn text(params: &[Shown]) -> String {
    let mut parts = vec!["$module".to_owned()];
    let mut slash = false;
    let mut star = false;
    for Shown {
        name,
        kind,
        default,
    } in params
    {
        if *kind != ParamKind::PositionalOnly && !slash {
            parts.push("/".into());
            slash = true;
        }
        if *kind == ParamKind::KeywordOnly && !star {
            parts.push("*".into());
            star = true;
        }
        parts.push(match default {
            Some(default) => format!("{name}={default}"),
            None => name.clone(),
        });
    }
    if !slash {
        parts.push("/".into());
    }
    format!("({})", parts.join(", "))
}
