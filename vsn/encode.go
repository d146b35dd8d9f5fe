package vsn

import "github.com/vsnctl/vsnctl/vsn/strict"

// EncodeJSON writes the network as a document. Reading it back gives an equal one.
func (n *Network) EncodeJSON() ([]byte, error) { return strict.JSON(APIVersion, KindNetwork, n) }

// EncodeYAML writes the same for people.
func (n *Network) EncodeYAML() ([]byte, error) { return strict.YAML(APIVersion, KindNetwork, n) }
