#include "keys/key_store.hpp"

#include "config/private_file.hpp"
#include "keys/key_file.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/random.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace mcp_provider::server {

namespace {

/// Holds the lock of a key file. A file of its own, for the key file itself is replaced at each
/// change.
class file_lock {
public:
    explicit file_lock(std::filesystem::path path) {
        path += ".lock";
        number_ =
            ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
        while (number_ >= 0 && ::flock(number_, LOCK_EX) != 0) {
            if (errno == EINTR) continue;
            ::close(number_);
            number_ = -1;
        }
        if (number_ < 0)
            throw key_file_error{"the lock " + path.string() +
                                 " cannot be taken: " + std::strerror(errno)};
    }
    file_lock(file_lock const&) = delete;
    file_lock& operator=(file_lock const&) = delete;
    ~file_lock() { ::close(number_); }

private:
    int number_ = -1;
};

void replace(std::filesystem::path const& path, std::vector<key_record> const& keys) {
    std::string const text = write_keys(keys);
    if (text.size() > max_key_file_bytes || keys.size() > max_keys)
        throw key_file_error{"the key file " + path.string() + " is full: it holds at most " +
                             std::to_string(max_keys) + " keys and 16 MiB"};
    if (std::error_code const failure = replace_private_file(path, text))
        throw key_file_error{"the key file " + path.string() +
                             " cannot be written: " + failure.message()};
}

std::string free_id(std::vector<key_record> const& keys) {
    for (;;) {
        std::string id = "key_" + crypto::hex_encode(crypto::as_text(crypto::random_bytes<6>()));
        if (std::none_of(keys.begin(), keys.end(),
                         [&id](key_record const& key) { return key.id == id; }))
            return id;
    }
}

} // namespace

new_key key_store::create(key_request const& wanted, moment now) const {
    if (std::error_code const failure = make_private_directory(path_.parent_path()))
        throw key_file_error{"the folder " + path_.parent_path().string() +
                             " cannot be made: " + failure.message()};
    file_lock const lock{path_};
    std::vector<key_record> keys = read_key_file(path_).keys;
    auto bytes = crypto::random_bytes<32>();
    std::string token{token_prefix};
    token += crypto::base64url_encode(crypto::as_text(bytes));
    wipe(bytes.data(), bytes.size());
    key_record record{
        free_id(keys), wanted.label, crypto::sha256(token),   wanted.may,
        wanted.models, now,          std::optional<moment>{}, std::optional<moment>{}};
    if (wanted.good_for) record.expires = now + *wanted.good_for;
    keys.push_back(record);
    replace(path_, keys);
    return {std::move(record), secret{std::move(token)}};
}

revocation key_store::revoke(std::string_view id, moment now) const {
    if (!std::filesystem::exists(path_)) return revocation::unknown;
    file_lock const lock{path_};
    std::vector<key_record> keys = read_key_file(path_).keys;
    auto const found = std::find_if(keys.begin(), keys.end(),
                                    [id](key_record const& key) { return key.id == id; });
    if (found == keys.end()) return revocation::unknown;
    if (found->revoked) return revocation::was_revoked_before;
    found->revoked = now;
    replace(path_, keys);
    return revocation::done;
}

std::vector<key_record> key_store::list() const { return read_key_file(path_).keys; }

} // namespace mcp_provider::server
