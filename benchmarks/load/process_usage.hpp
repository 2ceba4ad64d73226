// What processes cost: CPU time of all their threads, and memory, as the kernel tells it.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

namespace load {

struct usage {
    std::int64_t cpu = 0;      ///< nanoseconds on a CPU, user and system, of the threads that live
    std::int64_t resident = 0; ///< bytes
    std::int64_t proportional =
        0; ///< bytes, pages shared with others counted in part; 0 where we may not know
};

namespace detail {

inline void add_usage(usage& sum, std::string const& pid) {
    std::string const process = "/proc/" + pid;
    std::error_code gone;
    for (auto const& thread : std::filesystem::directory_iterator{process + "/task", gone}) {
        std::int64_t ran = 0;
        std::ifstream{thread.path() / "schedstat"} >> ran;
        sum.cpu += ran;
        std::ifstream children{thread.path() / "children"};
        for (std::string child; children >> child;) add_usage(sum, child);
    }
    std::int64_t pages = 0;
    std::int64_t resident_pages = 0;
    std::ifstream{process + "/statm"} >> pages >> resident_pages;
    sum.resident += resident_pages * ::sysconf(_SC_PAGESIZE);
    std::ifstream rollup{process + "/smaps_rollup"};
    for (std::string word; rollup >> word;) {
        if (word != "Pss:") continue;
        std::int64_t kibibytes = 0;
        rollup >> kibibytes;
        sum.proportional += kibibytes * 1024;
        break;
    }
}

} // namespace detail

/// Adds up processes and their descendants.
[[nodiscard]] inline usage usage_of(std::vector<std::string> const& pids) {
    usage sum;
    for (std::string const& pid : pids) detail::add_usage(sum, pid);
    return sum;
}

} // namespace load
