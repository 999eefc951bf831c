//! A small site for people who sign in at an OpenID provider, and whose pages tower-step-up guards.
//!
//! It is an example to read and to copy from. The guard says in the address of the step-up page
//! which authentication it needs (`acr_values` and `max_age`). The step-up page asks the provider for
//! exactly that, with the authorization code flow, and the user lands on the page where they were.
//!
//! | what | where |
//! | --- | --- |
//! | the guards, and where a refused browser goes | `guards.rs` |
//! | the sign-in page, the step-up page and the callback | `flow.rs` |
//! | what the guard asks for, read from the address | `request.rs` |
//! | the calls to the provider | `provider.rs` |
//! | what the browser keeps in the meantime | `pending.rs`, `cookies.rs` |
//! | the pages | `pages.rs`, `trouble.rs`, `templates/` |
//! | a stand-in for a provider, for development only | `stand_in/` |

mod cookies;
mod flow;
mod guards;
mod pages;
mod pending;
mod provider;
mod request;
mod settings;
mod site;
mod stand_in;
mod trouble;

pub use self::settings::{ProviderSettings, Settings};
pub use self::site::Site;
