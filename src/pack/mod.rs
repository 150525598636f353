//! Projects become what package indexes take: wheels and sdists.
//!
//! In: a folder with a pyproject.toml, or a single spec, and compiled modules. Out: the names and bytes of archives that are the same wherever and
//! whenever they are made. `files` and `project` read the disk and `pyproject` the file that describes a project; `tags` knows whom modules serve, `wheel` and
//! `sdist` put things together. Installing, uploading and the command line are not here.

pub mod archive;
mod files;
mod glob;
pub mod licence;
pub mod metadata;
pub mod project;
mod pyproject;
pub mod record;
pub mod requirement;
pub mod sdist;
pub mod tags;
pub mod version;
pub mod wheel;
