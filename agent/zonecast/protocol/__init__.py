"""DNS messages as values, sans-IO: octets and `now` in; octets, actions and deadlines out."""
