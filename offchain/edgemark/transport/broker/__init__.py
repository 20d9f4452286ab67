"""Messages between parties by MQTT 3.1.1: an embedded broker, and a client with plain methods."""
