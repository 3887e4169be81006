/// The version of Jet, which reports and `jet --version` name.
public let jetVersion = "0.1.0"
