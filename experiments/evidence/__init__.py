"""What a finished world proves: tables, metrics and certificates, by component, whatever the scenario."""
