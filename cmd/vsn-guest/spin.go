package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

func spin(args []string, _ io.Writer) error {
	if err := count(args, 0, 1); err != nil {
		return err
	}
	threads := runtime.NumCPU()
	if len(args) == 1 {
		n, err := parseInt("threads", args[0], 1, 4096)
		if err != nil {
			return err
		}
		threads = n
	}
	// More threads than CPUs are wanted too: the runtime would run only as many.
	runtime.GOMAXPROCS(threads)
	for range threads - 1 {
		go burn()
	}
	burn()
	return nil
}

// burn takes all the CPU time that its thread gets.
func burn() {
	runtime.LockOSThread()
	for i := 0; ; i++ { // staticcheck refuses an empty loop
	}
}

const cpuFolder = "/sys/devices/system/cpu"

// online brings CPUs online as they are plugged in. A distribution leaves that to
// udev; in a guest without it, a plugged vCPU would stay offline for ever.
func online(args []string, out io.Writer) error {
	if err := count(args, 0, 0); err != nil {
		return err
	}
	for {
		done, err := bringOnline(cpuFolder, out)
		if done || err != nil {
			return err
		}
		time.Sleep(time.Second)
	}
}

// bringOnline does so once, and says whether every CPU that there can ever be is
// online.
func bringOnline(folder string, out io.Writer) (done bool, err error) {
	switches, err := filepath.Glob(filepath.Join(folder, "cpu[0-9]*", "online"))
	if err != nil {
		return false, err
	}
	for _, path := range switches {
		state, err := os.ReadFile(path)
		if err != nil || strings.TrimSpace(string(state)) != "0" {
			continue // unplugged meanwhile, or online
		}
		if err := os.WriteFile(path, []byte("1"), 0); err != nil {
			fmt.Fprintf(out, "online: %v\n", err) // it may work the next time
			continue
		}
		fmt.Fprintf(out, "online: %s\n", filepath.Base(filepath.Dir(path)))
	}
	possible, err := cpuList(filepath.Join(folder, "possible"))
	if err != nil {
		return false, err
	}
	running, err := cpuList(filepath.Join(folder, "online"))
	return possible == running, err
}

// cpuList counts the CPUs of a list such as "0-3,5" (cpuset(7), list format).
func cpuList(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, span := range strings.Split(strings.TrimSpace(string(text)), ",") {
		first, last, isSpan := strings.Cut(span, "-")
		if !isSpan {
			last = first
		}
		a, err1 := strconv.Atoi(first)
		b, err2 := strconv.Atoi(last)
		if err1 != nil || err2 != nil || b < a {
			return 0, fmt.Errorf("%s: %q is not a list of CPUs", path, text)
		}
		n += b - a + 1
	}
	return n, nil
}
