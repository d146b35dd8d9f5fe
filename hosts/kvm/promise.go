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

// promise keeps p with its domain, in place of what was there.
func (m *Machine) promise(p hosts.Promise) error {
	if !isText(p.Wants) {
		return fmt.Errorf("wants %q: holds what XML cannot", p.Wants)
	}
	element, err := xml.Marshal(promiseElement{Wants: p.Wants})
	if err != nil {
		return err
	}
	return m.withOurs(p.Network, p.VM, func(dom *libvirt.Domain, _ libvirt.DomainState) error {
		return said("virDomainSetMetadata", dom.SetMetadata(libvirt.DOMAIN_METADATA_ELEMENT, string(element), promiseKey, promiseSpace, libvirt.DOMAIN_AFFECT_CURRENT))
	}, noDomain(p.Network, p.VM))
}

// forget takes the promise from its domain. One that is gone has none.
func (m *Machine) forget(p hosts.Promise) error {
	return m.withOurs(p.Network, p.VM, func(dom *libvirt.Domain, _ libvirt.DomainState) error {
		err := dom.SetMetadata(libvirt.DOMAIN_METADATA_ELEMENT, "", promiseKey, promiseSpace, libvirt.DOMAIN_AFFECT_CURRENT)
		if is(err, libvirt.ERR_NO_DOMAIN_METADATA) {
			return nil
		}
		return unlessGone("virDomainSetMetadata", err)
	}, nil)
}
