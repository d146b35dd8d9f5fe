package vsn

import (
	"fmt"
	"regexp"

	"github.com/vsnctl/vsnctl/vsn/strict"
)

// Names go into file names, interface aliases, XML, cgroup directories and shells.
// What a name may be is therefore what is safe in all of them, unescaped.
const (
	// NamePattern is for what a network names: itself, VMs, links, flows, and for
	// the names of resources and label keys.
	NamePattern = `^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$`
	// NodePattern is for what an inventory names, hosts, switches and cables, and
	// for label values: as above with dots, since hosts have domain names.
	NodePattern = `^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`
	MaxName     = 40
	MaxNode     = 63 // a label of the domain name system, RFC 1035
)

var (
	namePattern = regexp.MustCompile(NamePattern)
	nodePattern = regexp.MustCompile(NodePattern)
)

// CheckName tells why a name is none, by NamePattern and MaxName.
func CheckName(name string) error {
	return checkName(name, namePattern, MaxName, "- and _")
}

// CheckNode tells the same by NodePattern and MaxNode.
func CheckNode(name string) error {
	return checkName(name, nodePattern, MaxNode, ". - and _")
}

func checkName(name string, pattern *regexp.Regexp, most int, inside string) error {
	switch {
	case name == "":
		return fmt.Errorf("is empty")
	case len(name) > most:
		return fmt.Errorf("%q has %d characters, at most %d are allowed", name, len(name), most)
	case !pattern.MatchString(name):
		return fmt.Errorf("%q: only letters and digits, and %s inside, are allowed", name, inside)
	}
	return nil
}

// checkPath is for paths of files that a host opens. Spaces and the like are fine
// there: what uses the path escapes it.
func checkPath(path string) error {
	switch {
	case path == "":
		return fmt.Errorf("is empty")
	case len(path) > maxPath:
		return fmt.Errorf("has %d bytes, at most %d are allowed", len(path), maxPath)
	}
	return strict.CheckText(path)
}

const maxPath = 4095 // PATH_MAX less its NUL
