"""What a party can answer in time on a chain of this pace."""
