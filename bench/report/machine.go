package report

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// A Machine describes where and when the results were measured.
type Machine struct {
	CPU, Kernel, Go, Date string // CPU model, versions, date in UTC
	Cores                 int    // as Go reports it
}

var cpuModel = regexp.MustCompile(`(?m)^model name\s*:\s*(.*)$`)

// ThisMachine describes this machine, without its name.
func ThisMachine() Machine {
	m := Machine{
		CPU: runtime.GOARCH, Kernel: runtime.GOOS, Go: runtime.Version(), Cores: runtime.NumCPU(),
		Date: time.Now().UTC().Format(time.DateOnly),
	}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if found := cpuModel.FindSubmatch(info); found != nil {
			m.CPU = string(found[1])
		}
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = "Linux " + strings.TrimSpace(string(release))
	}
	return m
}

// ThisCommit returns the commit that is checked out, with "-dirty" if files differ from it, or "unknown".
func ThisCommit() string {
	commit, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(commit))
}

// String returns the description in one line.
func (m Machine) String() string {
	return fmt.Sprintf("%s, %s, %d cores, %s, %s", m.Date, m.CPU, m.Cores, m.Kernel, m.Go)
}
