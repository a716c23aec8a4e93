//! Scenario files: what a person wrote, checked whole, becomes a plan with every default filled in.
