//! Trusted certificates: from the platform, from the user's CA bundle, or the bundled roots.

use std::path::Path;
use std::sync::Once;

use reqwest::{Certificate, ClientBuilder};

use crate::error::{Error, chain};

/// Installs ring as the process's TLS provider, unless there is one already; reqwest is built without a
/// provider.
pub fn install_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if rustls::crypto::ring::default_provider()
            .install_default()
            .is_err()
        {
            log::debug!(target: "acc_assets", "another TLS provider was already installed and is kept");
        }
    });
}

/// Builds an HTTP client that trusts the CA bundle or, without one, the platform's certificates. If the
/// platform has no certificates, the client trusts the bundled roots.
///
/// # Errors
/// [`Error::Option`] if the bundle or another option is invalid.
pub fn build(make: impl Fn() -> ClientBuilder, ca_bundle: Option<&Path>) -> Result<reqwest::Client, Error> {
    install_provider();
    if let Some(path) = ca_bundle {
        let option = |reason: String| {
            Error::Option(format!(
                "ca_bundle {}: {reason}; pass a PEM file of certificates",
                path.display()
            ))
        };
        let pem = std::fs::read(path).map_err(|error| option(chain(&error)))?;
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| option(chain(&error)))?;
        if certificates.is_empty() {
            return Err(option("contains no certificate".to_owned()));
        }
        return make()
            .tls_certs_only(certificates)
            .build()
            .map_err(|error| option(chain(&error)));
    }
    match make().build() {
        Ok(client) => Ok(client),
        // Slim containers have no certificate authorities, which makes building a client fail.
        Err(platform) => {
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
                .iter()
                .filter_map(|der| Certificate::from_der(der).ok());
            make().tls_certs_only(roots).build().map_err(|error| {
                Error::Option(format!(
                    "cannot build an HTTP client: {}; {}",
                    chain(&platform),
                    chain(&error)
                ))
            })
        }
    }
}
