package kvm

import (
	"encoding/xml"
	"fmt"

	"libvirt.org/go/libvirt"

	"github.com/vsnctl/vsnctl/hosts"
)

// promiseSpace is the namespace of the second element that we keep in a domain's
// metadata: what was deployed of its network. It is apart from the mark because it
// changes while the domain runs, and libvirt replaces an element whole.
const promiseSpace = "https://github.com/vsnctl/vsnctl/promise/1"

// promiseKey is the prefix under which libvirt keeps the element.
const promiseKey = "promise"

type promiseElement struct {
	XMLName xml.Name `xml:"promise"`
	Wants   string   `xml:",chardata"`
}

// promise keeps p with its domain; an empty Wants takes it away.
func (m *Machine) promise(p hosts.Promise) error {
	missing := fmt.Errorf("there is no domain %q", domainName(p.Network, p.VM))
	text := ""
	if p.Wants == "" {
		missing = nil
	} else {
		element, err := xml.Marshal(promiseElement{Wants: p.Wants})
		if err != nil {
			return err
		}
		text = string(element)
	}
	return m.withOurs(hosts.Power{Network: p.Network, VM: p.VM}, func(dom *libvirt.Domain, _ libvirt.DomainState) error {
		err := dom.SetMetadata(libvirt.DOMAIN_METADATA_ELEMENT, text, promiseKey, promiseSpace, libvirt.DOMAIN_AFFECT_CURRENT)
		if p.Wants == "" && is(err, libvirt.ERR_NO_DOMAIN_METADATA) {
			return nil
		}
		return said("virDomainSetMetadata", err)
	}, missing)
}

// findPromise reads the element out of a domain's XML; "" when it has none.
func findPromise(document string) string {
	var d struct {
		Metadata struct {
			Promise string `xml:"https://github.com/vsnctl/vsnctl/promise/1 promise"`
		} `xml:"metadata"`
	}
	if xml.Unmarshal([]byte(document), &d) != nil {
		return ""
	}
	return d.Metadata.Promise
}
