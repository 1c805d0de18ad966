using Gateway.Data;
using Gateway.Features.Accounts.OpenId;
using Gateway.Features.Accounts.Profile;
using Gateway.Features.Accounts.SignIn;
using Gateway.Features.Accounts.Tokens;
using Gateway.Features.Accounts.Users;
using Gateway.Features.Audit;
using Gateway.Hosting;
using Gateway.Reconcile;
using Gateway.Security;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Identity;

namespace Gateway.Features.Accounts;

/// <summary>Users, sessions, tokens: who may come in, and as what.</summary>
internal static class Accounts
{
    /// <summary>Takes a bearer token where one is sent, else the cookie.</summary>
    private const string TokenOrCookie = "TokenOrCookie";

    public static void AddAccounts(this IServiceCollection services, GatewayOptions options)
    {
        services.AddSingleton<AccessChanges>().AddSingleton<Credentials>().AddSingleton<LastUses>().AddSingleton<SignInLimits>().AddSingleton<UsedCodes>().AddSingleton<SetupLink>()
            .AddScoped<UserManagers>().AddScoped<UserService>().AddScoped<TokenService>().AddScoped<ProfileService>().AddScoped<SignInService>().AddScoped<PasswordService>().AddScoped<SecondFactorService>().AddScoped<PasskeyService>().AddScoped<AuditService>();
        services.AddHostedService(s => s.GetRequiredService<LastUses>()).AddHostedService(s => s.GetRequiredService<SetupLink>()).AddHostedService<AuditKeeper>().AddHostedService<AccountKeeper>();
        AddIdentity(services);
        services.AddAuthentication(TokenOrCookie)
            .AddPolicyScheme(TokenOrCookie, null, scheme => scheme.ForwardDefaultSelector =
                context => context.Request.Headers.Authorization.Count > 0 ? TokenAuthentication.Name : IdentityConstants.ApplicationScheme)
            .AddScheme<AuthenticationSchemeOptions, TokenAuthentication>(TokenAuthentication.Name, null)
            .AddOpenId(options.Oidc)
            .AddIdentityCookies(cookies =>
            {
                cookies.ApplicationCookie!.Configure(SessionCookie.Configure);
                cookies.TwoFactorUserIdCookie!.Configure(SessionCookie.ConfigurePassing);
                cookies.ExternalCookie!.Configure(SessionCookie.ConfigurePassing);
            });
        var authorization = services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        // A page or a part of one says [Authorize(Scopes.Admin)] and means the permission, not the role. The services ask again.
        foreach (var (scope, permission) in Permissions.ByScope)
            authorization.AddPolicy(scope, policy => policy.RequireAssertion(context => CallerIdentity.Of(context.User).Permissions.HasFlag(permission)));
    }

    public static void MapAccounts(this RouteGroupBuilder api)
    {
        api.MapUsers();
        api.MapTokens();
        api.MapProfile();
        api.MapAudit();
    }

    private static void AddIdentity(IServiceCollection services)
    {
        services.AddIdentityCore<User>(identity =>
        {
            identity.User.AllowedUserNameCharacters = UserRules.NameCharacters;
            // UserRules says in words what a password must be; Identity checks the length again.
            identity.Password.RequiredLength = UserRules.MinPasswordLength;
            identity.Password.RequireDigit = identity.Password.RequireLowercase = identity.Password.RequireUppercase = identity.Password.RequireNonAlphanumeric = false;
            identity.Lockout.MaxFailedAccessAttempts = 5;
            identity.Lockout.DefaultLockoutTimeSpan = TimeSpan.FromMinutes(5);
        }).AddSignInManager<SignInManager>().AddDefaultTokenProviders();
        // A passkey stands for both factors, so the device must have checked who holds it; and it is found without a name being typed.
        services.Configure<IdentityPasskeyOptions>(passkeys => passkeys.UserVerificationRequirement = passkeys.ResidentKeyRequirement = "required");
        services.AddScoped<IUserStore<User>>(s => new UserStore(s.GetRequiredService<GatewayDbContext>(), s.GetRequiredService<SecretVault>(), s.GetRequiredService<WriteGate>()));
    }
}
