package kvm

import (
	"os"
	"testing"

	"libvirt.org/go/libvirt"
)

// needLibvirt skips a test where no system libvirt answers, and fails it where
// everything must be tested.
func needLibvirt(t *testing.T) {
	t.Helper()
	conn, err := libvirt.NewConnect(SystemURI)
	if err == nil {
		conn.Close()
		if os.Getuid() == 0 {
			return
		}
	}
	if os.Getenv("VSNCTL_TEST_ALL") == "1" {
		t.Fatalf("needs libvirt and root: %v", err)
	}
	t.Skipf("needs libvirt and root: %v", err)
}
