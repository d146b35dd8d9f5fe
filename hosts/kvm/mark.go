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
}

func markOf(d hosts.Domain) mark {
	return mark{Name: d.Name, Network: d.Network, VM: d.VM, Memory: d.Memory, Image: d.Image}
}

// findMark reads the mark out of a domain's XML; ok is false for a domain that is
// not ours.
func findMark(document, name string) (m mark, ok bool) {
	var d struct {
		Metadata struct {
			Mark *mark `xml:"https://github.com/vsnctl/vsnctl/domain/1 domain"`
		} `xml:"metadata"`
	}
	if xml.Unmarshal([]byte(document), &d) != nil || d.Metadata.Mark == nil {
		return mark{}, false
	}
	m = *d.Metadata.Mark
	return m, m.Name == name && m.Network != "" && m.VM != ""
}
