#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "watch/supervisor.hpp"

/// What the control socket can ask for.
namespace campipe::watch {

using nlohmann::json;

namespace {

void answer_ok(const control::Server::Reply& reply) {
  reply(R"({"ok":true})");
}

}  // namespace

void Supervisor::handle(const std::string& request, control::Server::Reply reply) {
  const json parsed = json::parse(request, nullptr, false);
  const auto text = [&](const char* key) {
    const auto found = parsed.is_object() ? parsed.find(key) : parsed.end();
    return parsed.is_object() && found != parsed.end() && found->is_string() ? found->get<std::string>()
                                                                             : std::string();
  };
  try {
    command(text("command"), text("target"), reply);
  } catch (const Error& error) {
    reply(control::failure(error.code(), error.what()));
  }
}

void Supervisor::command(const std::string& name, const std::string& target, const control::Server::Reply& reply) {
  if (name == "status") return reply(to_json(status()));
  if (stopping_) throw Error(ExitCode::try_again, "camwatch is stopping");
  if (name == "start") return start(target, reply);
  if (name == "stop") return stop(target, reply);
  if (name == "restart") return restart(target, reply);
  if (name == "reload") return reload(reply);
  throw Error(ExitCode::protocol, "unknown command");
}

chain::Chain& Supervisor::chain_of(const std::string& target) {
  const std::string name = target.substr(0, target.find('/'));
  const auto found = std::ranges::find_if(chains_, [&](const auto& chain) { return chain->name() == name; });
  if (found == chains_.end()) throw Error(ExitCode::no_input, fmt::format("there is no chain '{}'", name));
  return **found;
}

std::optional<std::size_t> Supervisor::stage_of(chain::Chain& chain, const std::string& target) {
  const std::size_t slash = target.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto stage = chain.find(target.substr(slash + 1));
  if (!stage)
    throw Error(ExitCode::no_input, fmt::format("chain {} has no stage '{}'", chain.name(), target.substr(slash + 1)));
  return stage;
}

void Supervisor::start(const std::string& target, const control::Server::Reply& reply) {
  chain::Chain& chain = chain_of(target);
  refuse_while_it_leaves(chain);
  if (const auto stage = stage_of(chain, target)) {
    chain.start_stage(*stage);
  } else {
    if (chain.state() == chain::Chain::State::stopping) throw Error(ExitCode::try_again, chain.name() + " is stopping");
    chain.start();
  }
  answer_ok(reply);
}

void Supervisor::stop(const std::string& target, const control::Server::Reply& reply) {
  if (target.empty()) {
    stop_replies_.push_back(reply);
    return stop_all();
  }
  chain::Chain& chain = chain_of(target);
  campipe::log::info("{}: stopped by command", target);
  if (const auto stage = stage_of(chain, target)) return chain.stop_stage(*stage, [reply] { answer_ok(reply); });
  if (leaves(chain)) reload_->stay_stopped.insert(chain.name());
  chain.stop([reply] { answer_ok(reply); });
}

void Supervisor::restart(const std::string& target, const control::Server::Reply& reply) {
  chain::Chain& chain = chain_of(target);
  refuse_while_it_leaves(chain);
  if (const auto stage = stage_of(chain, target)) {
    chain.restart_stage(*stage);
    return answer_ok(reply);
  }
  campipe::log::info("{}: restarted by command", target);
  chain.restart([&chain, reply] {
    if (chain.state() != chain::Chain::State::stopped) return answer_ok(reply);
    reply(control::failure(ExitCode::try_again, chain.name() + " was stopped before it had started again"));
  });
}

}  // namespace campipe::watch
