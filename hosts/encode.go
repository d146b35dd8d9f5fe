package hosts

import (
	"github.com/vsnctl/vsnctl/vsn"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

// EncodeJSON writes the inventory as a document. Reading it back gives an equal one.
func (inv *Inventory) EncodeJSON() ([]byte, error) {
	return strict.JSON(vsn.APIVersion, KindInventory, inv)
}

// EncodeYAML writes the same for people.
func (inv *Inventory) EncodeYAML() ([]byte, error) {
	return strict.YAML(vsn.APIVersion, KindInventory, inv)
}
