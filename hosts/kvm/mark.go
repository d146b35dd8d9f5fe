package kvm

import (
	"encoding/xml"

	"github.com/vsnctl/vsnctl/hosts"
)

// markSpace is the XML namespace of our element in a domain's metadata, where libvirt
// keeps what applications want to remember (libvirt.org/formatdomain.html,
// "Metadata"). It names a format, not a page.
const markSpace = "https://github.com/vsnctl/vsnctl/domain/1"

// mark says that a domain is ours, and holds what libvirt does not keep as it was
// asked. It carries the domain's name, because cloning a domain copies the metadata:
// a copy under another name is not ours.
type mark struct {
	XMLName xml.Name `xml:"https://github.com/vsnctl/vsnctl/domain/1 domain"`
	Name    string   `xml:"name,attr"`
	Network string   `xml:"network,attr"`
	VM      string   `xml:"vm,attr"`
	Memory  int64    `xml:"memory,attr"` // bytes; libvirt rounds up to MiB
	Image   string   `xml:"image,attr,omitempty"`
	Holds   string   `xml:"resources,attr,omitempty"` // counted resources; libvirt knows none
}

func markOf(d hosts.Domain) mark {
	return mark{Name: d.Name, Network: d.Network, VM: d.VM, Memory: d.Memory, Image: d.Image, Holds: d.Resources}
}

// metadata is what of a domain's metadata is ours.
type metadata struct {
	Mark    *mark   `xml:"https://github.com/vsnctl/vsnctl/domain/1 domain"`
	Promise *string `xml:"https://github.com/vsnctl/vsnctl/promise/1 promise"`
}

// findMark reads our metadata out of a domain's XML; ok is false for a domain that is
// not ours.
func findMark(document, name string) (m metadata, ok bool) {
	var d struct {
		Metadata metadata `xml:"metadata"`
	}
	if xml.Unmarshal([]byte(document), &d) != nil || d.Metadata.Mark == nil {
		return metadata{}, false
	}
	mark := d.Metadata.Mark
	return d.Metadata, mark.Name == name && mark.Network != "" && mark.VM != ""
}
