using System.Text.Json.Nodes;

namespace Gateway.Contracts.Client;

/// <summary>/api/v1/users, /tokens, /audit and /profile.</summary>
public sealed class AccountsClient
{
    private readonly GatewayClient _api;

    internal AccountsClient(GatewayClient api) => _api = api;

    /// <summary>Users, oldest first.</summary>
    public Task<ApiResult<Page<UserResponse>>> ListUsersAsync(string? search = null, string? role = null, PageQuery? page = null, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Page<UserResponse>>(Paths.With("users", page, ("search", search), ("role", role)), cancellationToken);

    /// <summary>A user.</summary>
    public Task<ApiResult<UserResponse>> GetUserAsync(Guid id, CancellationToken cancellationToken = default) => _api.GetAsync<UserResponse>($"users/{id}", cancellationToken);

    /// <summary>Makes a user, and the one-time link with which they choose a password.</summary>
    public Task<ApiResult<UserResponse>> CreateUserAsync(UserSettings settings, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<UserResponse>(HttpMethod.Post, "users", settings, change, cancellationToken);

    /// <summary>Merges a patch into a user's settings (RFC 7396).</summary>
    public Task<ApiResult<UserResponse>> UpdateUserAsync(Guid id, JsonObject patch, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<UserResponse>(HttpMethod.Patch, $"users/{id}", patch, change, cancellationToken);

    /// <summary>Deletes a user with their sessions and tokens.</summary>
    public Task<ApiResult<UserResponse>> DeleteUserAsync(Guid id, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<UserResponse>(HttpMethod.Delete, $"users/{id}", null, change, cancellationToken);

    /// <summary>Makes a new one-time link with which the user chooses a password.</summary>
    public Task<ApiResult<UserResponse>> InviteUserAsync(Guid id, CancellationToken cancellationToken = default) =>
        _api.SendAsync<UserResponse>(HttpMethod.Post, $"users/{id}/invitation", null, null, cancellationToken);

    /// <summary>Takes authenticator, recovery codes and passkeys away.</summary>
    public Task<ApiResult<UserResponse>> ResetSecondFactorAsync(Guid id, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<UserResponse>(HttpMethod.Delete, $"users/{id}/second-factor", null, change, cancellationToken);

    /// <summary>Signs a user out everywhere.</summary>
    public Task<ApiResult<UserResponse>> EndUserSessionsAsync(Guid id, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<UserResponse>(HttpMethod.Delete, $"users/{id}/sessions", null, change, cancellationToken);

    /// <summary>Tokens: everybody's, or the caller's own.</summary>
    public Task<ApiResult<Page<TokenResponse>>> ListTokensAsync(bool own, PageQuery? page = null, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Page<TokenResponse>>(Paths.With(Tokens(own), page), cancellationToken);

    /// <summary>A token, but not the token itself.</summary>
    public Task<ApiResult<TokenResponse>> GetTokenAsync(Guid id, bool own, CancellationToken cancellationToken = default) => _api.GetAsync<TokenResponse>($"{Tokens(own)}/{id}", cancellationToken);

    /// <summary>Makes a token that acts for the caller; only this answer shows it.</summary>
    public Task<ApiResult<TokenResponse>> CreateTokenAsync(TokenSettings settings, bool own, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<TokenResponse>(HttpMethod.Post, Tokens(own), settings, change, cancellationToken);

    /// <summary>Merges a patch into a token's settings (RFC 7396).</summary>
    public Task<ApiResult<TokenResponse>> UpdateTokenAsync(Guid id, JsonObject patch, bool own, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<TokenResponse>(HttpMethod.Patch, $"{Tokens(own)}/{id}", patch, change, cancellationToken);

    /// <summary>Revokes a token; what runs with it ends at once.</summary>
    public Task<ApiResult<TokenResponse>> RevokeTokenAsync(Guid id, bool own, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<TokenResponse>(HttpMethod.Delete, $"{Tokens(own)}/{id}", null, change, cancellationToken);

    /// <summary>Who is calling, and what they may do.</summary>
    public Task<ApiResult<ProfileResponse>> GetProfileAsync(CancellationToken cancellationToken = default) => _api.GetAsync<ProfileResponse>("profile", cancellationToken);

    /// <summary>The browsers that are signed in as the caller.</summary>
    public Task<ApiResult<IReadOnlyList<SessionResponse>>> ListOwnSessionsAsync(CancellationToken cancellationToken = default) =>
        _api.GetAsync<IReadOnlyList<SessionResponse>>("profile/sessions", cancellationToken);

    /// <summary>Signs one of the caller's browsers out.</summary>
    public Task<ApiResult<SessionResponse>> EndOwnSessionAsync(Guid id, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<SessionResponse>(HttpMethod.Delete, $"profile/sessions/{id}", null, change, cancellationToken);

    /// <summary>Who did what, newest first. An action takes the beginning, such as peer.</summary>
    public Task<ApiResult<Page<AuditResponse>>> ListAuditAsync(
        string? actor = null, string? action = null, string? subject = null, string? from = null, DateTimeOffset? since = null, DateTimeOffset? until = null, PageQuery? page = null, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Page<AuditResponse>>(Paths.With("audit", page, ("actor", actor), ("action", action), ("subject", subject), ("from", from), ("since", since?.ToString("O")), ("until", until?.ToString("O"))), cancellationToken);

    private static string Tokens(bool own) => own ? "profile/tokens" : "tokens";
}
