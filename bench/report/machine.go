package report

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// A Machine is where and when it was measured.
type Machine struct {
	CPU, Kernel, Go, Date string // the model, the versions, the day in UTC
	Cores                 int    // that Go sees
}

var cpuModel = regexp.MustCompile(`(?m)^model name\s*:\s*(.*)$`)

// ThisMachine describes this one, without its name.
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

// String returns all of it in one line.
func (m Machine) String() string {
	return fmt.Sprintf("%s, %s, %d cores, %s, %s", m.Date, m.CPU, m.Cores, m.Kernel, m.Go)
}
