//! Settings that are one word out of a few.

/// Makes an enum of a few words, with the text of each.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word in the configuration file.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

words!(
    /// The language of texts.
    Locale {
        /// English.
        #[default]
        En = "en",
        /// Russian.
        Ru = "ru",
    }
);

words!(
    /// What an answered beat survives.
    Durability {
        /// The end of the process, `kill -9` included.
        #[default]
        Process = "process",
        /// A power cut, too: every commit waits for the disk.
        Power = "power",
    }
);

words!(
    /// Who may see the status and the page.
    StatusAccess {
        /// Anyone.
        #[default]
        Public = "public",
        /// Holders of a key.
        Key = "key",
    }
);

words!(
    /// How an SMTP connection is protected.
    MailSecurity {
        /// Clear text turned into TLS by STARTTLS; refused where the server does not offer it.
        #[default]
        Starttls = "starttls",
        /// TLS from the first byte.
        Tls = "tls",
        /// Clear text.
        None = "none",
    }
);

words!(
    /// What a further key opens.
    KeyAccess {
        /// Looking, without changing anything: the status, the page, the metrics and the lists of the management API.
        #[default]
        Read = "read",
        /// Changing, too: the same as the admin key, under a name of its own in the history.
        Admin = "admin",
    }
);

words!(
    /// How log lines look.
    LogFormat {
        /// For people.
        #[default]
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
);

words!(
    /// Which log lines there are: those of this level and above.
    LogLevel {
        /// What needs an operator.
        Error = "error",
        /// What may come to need one.
        Warn = "warn",
        /// What happens: a line for each change of status and each delivery.
        #[default]
        Info = "info",
        /// How it happens.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
);
