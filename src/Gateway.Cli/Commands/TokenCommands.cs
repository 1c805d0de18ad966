using System.CommandLine;
using Gateway.Cli.Api;
using Gateway.Contracts;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway token</c>: everybody's tokens for admins, with <c>--own</c> one's own.</summary>
internal static class TokenCommands
{
    public static Command Build() => new("token", "API tokens: named, scoped, revocable.") { List(), Show(), Add(), Set(), Revoke() };

    /// <summary>What can be set of a token.</summary>
    private static SettingsOptions Settings() => new SettingsOptions()
        .List(nameof(TokenSettings.Scopes), "--scope", "SCOPE", $"What it may do: {string.Join(", ", Scopes.Read, Scopes.Configs, Scopes.Peers, Scopes.Explain, Scopes.Packets, Scopes.Admin)}.")
        .Time(nameof(TokenSettings.ExpiresAt), "--expires", "From when on it is not honoured; never without it.");

    private static ApiCommand List()
    {
        var own = Own();
        return new ApiCommand("list", "List tokens, but not the tokens themselves.", "ListTokens", "ListOwnTokens").Listing().With(own)
            .Does(session => session.ListAsync<TokenResponse>(page => session.Api.Accounts.ListTokensAsync(session.Value(own), page, session.Stopped),
                nameof(TokenResponse.Name), nameof(TokenResponse.Owner), nameof(TokenResponse.EffectiveScopes), nameof(TokenResponse.ExpiresAt), nameof(TokenResponse.LastUsedAt),
                nameof(TokenResponse.LastUsedFrom), nameof(TokenResponse.Id)));
    }

    private static ApiCommand Show()
    {
        var (token, own) = (Token(), Own());
        return new ApiCommand("show", "Show a token, but not the token itself.", "GetToken", "GetOwnToken").With(token, own)
            .Does(async session => session.Show(await session.Api.Accounts.GetTokenAsync(await FindAsync(session, token, own), session.Value(own), session.Stopped)));
    }

    private static ApiCommand Add()
    {
        var name = new Argument<string>("NAME") { Description = "What it is for." };
        var own = Own();
        var settings = Settings().Given(nameof(TokenSettings.Name), name);
        return new ApiCommand("add", "Make a token that acts for the caller; it is shown this once.", "CreateToken", "CreateOwnToken").Changing(existing: false).With(name, own).Taking(settings)
            .Does(async session => session.SayAndShow(
                await session.Api.Accounts.CreateTokenAsync(SettingsOptions.As<TokenSettings>(session.Settings(settings)), session.Value(own), session.Change, session.Stopped),
                token => $"Made token {token.Name}. It is shown this once."));
    }

    private static ApiCommand Set()
    {
        var (token, own) = (Token(), Own());
        var settings = Settings().Text(nameof(TokenSettings.Name), "--name", "NAME", "Another name.").Clearable();
        return new ApiCommand("set", "Change a token's name, scopes or end.", "UpdateToken", "UpdateOwnToken").Changing().With(token, own).Taking(settings)
            .Does(async session => session.SayAndShow(
                await session.Api.Accounts.UpdateTokenAsync(await FindAsync(session, token, own), session.Settings(settings), session.Value(own), session.Change, session.Stopped),
                changed => $"Changed token {changed.Name}."));
    }

    private static ApiCommand Revoke()
    {
        var (token, own) = (Token(), Own());
        return new ApiCommand("revoke", "Revoke a token; what runs with it ends at once.", "RevokeToken", "RevokeOwnToken").Changing().With(token, own).Does(async session =>
            session.Say(await session.Api.Accounts.RevokeTokenAsync(await FindAsync(session, token, own), session.Value(own), session.Change, session.Stopped), $"Revoked token {session.Value(token)}."));
    }

    private static Option<bool> Own() => new("--own") { Description = "Only the caller's own tokens; that takes no admin." };

    private static Argument<string> Token() => new("TOKEN") { Description = "The token's name (not the token itself) or id." };

    private static async Task<Guid> FindAsync(ApiSession session, Argument<string> token, Option<bool> own)
    {
        var given = session.Value(token);
        if (Guid.TryParse(given, out var id)) return id;
        var found = (await ApiSession.AllAsync<TokenResponse>(page => session.Api.Accounts.ListTokensAsync(session.Value(own), page, session.Stopped))).Where(t => t.Name == given).ToList();
        return found switch
        {
            [var only] => only.Id,
            [] => throw new CommandException($"There is no token called '{given}'. \"gateway token list\" shows all.", ExitCodes.NotFound),
            _ => throw new CommandException($"Several tokens are called '{given}': {string.Join(", ", found.Select(t => $"{t.Id} of {t.Owner ?? "the gateway"}"))}. Give the id.", ExitCodes.Usage),
        };
    }
}
