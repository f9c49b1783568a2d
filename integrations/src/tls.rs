//! The one TLS provider of the process.
//!
//! Two providers linked together make rustls panic at the first secure connection, and
//! never in plain-text tests; so there is one (ring), installed first thing in `main`.

/// Installs ring as the process' TLS provider. Doing it twice does no harm.
pub fn install() {
    // An error means that a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
