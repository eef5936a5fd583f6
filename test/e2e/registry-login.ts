/** Who may pull the private image of {@link file://./registry.ts}. Data only. */
export const REGISTRY_LOGIN = { user: 'puller', password: 'let-me-pull' } as const;
